//! Draws contact sheets of the picto world into a folder: `things.png` (every pictogram in every
//! colour) and `styles.png` (the same six scenes in every style, three times enlarged).
//!
//! `cargo run --release -p sdvp-data --example picto_sheet -- FOLDER`

use image::{RgbImage, imageops};
use sdvp_core::BBox;
use sdvp_data::picto::{Color, Scene, SceneObject, SceneSpec, Split, Style, Thing, generate};
use std::{error::Error, path::PathBuf};

/// Side of a cell of `things.png`, pixels.
const CELL: u32 = 44;
/// Things in a row of `things.png`.
const THINGS_IN_ROW: u32 = 4;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os()
        .nth(1)
        .map(PathBuf::from)
        .ok_or("expected the folder to write to")?;
    std::fs::create_dir_all(&folder)?;
    things().save(folder.join("things.png"))?;
    styles(7).save(folder.join("styles.png"))?;
    Ok(())
}

fn things() -> RgbImage {
    let columns = THINGS_IN_ROW * Color::ALL.len() as u32;
    let mut objects = Vec::new();
    for thing in Thing::all() {
        for (column, color) in Color::ALL.into_iter().enumerate() {
            let place = thing.index() as u32 % THINGS_IN_ROW * Color::ALL.len() as u32;
            let x = ((place + column as u32) * CELL + 3) as f32;
            let y = (thing.index() as u32 / THINGS_IN_ROW * CELL + 3) as f32;
            let size = 36.0;
            objects.push(SceneObject {
                thing,
                color,
                bbox: BBox::new(x, y, x + size, y + size),
                size,
                rotation: 0.0,
                mirrored: false,
            });
        }
    }
    let scene = Scene {
        seed: 1,
        style: Style::General,
        side: columns * CELL,
        objects,
    };
    let rows = (Thing::COUNT as u32).div_ceil(THINGS_IN_ROW);
    let sheet = scene.render();
    imageops::crop_imm(sheet.rgb(), 0, 0, columns * CELL, rows * CELL).to_image()
}

fn styles(seed: u64) -> RgbImage {
    let (columns, zoom) = (6, 3);
    let cell = sdvp_data::picto::SIDE * zoom;
    let mut sheet = RgbImage::new(columns * cell, Style::ALL.len() as u32 * cell);
    for (row, style) in Style::ALL.into_iter().enumerate() {
        for column in 0..columns {
            let spec = SceneSpec {
                style,
                ..SceneSpec::default()
            };
            let image = generate(&spec, Split::Train, seed, u64::from(column)).render();
            let enlarged = imageops::resize(image.rgb(), cell, cell, imageops::FilterType::Nearest);
            let (x, y) = (column * cell, row as u32 * cell);
            imageops::replace(&mut sheet, &enlarged, x.into(), y.into());
        }
    }
    sheet
}
