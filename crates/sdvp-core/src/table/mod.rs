//! What Parquet files say of themselves, before a reader believes it.

mod compact;
mod footer;
mod pages;

pub use footer::admit_table;
pub use pages::unpacked_pages;
