//! Inner loops compiled for the vectors the CPU has.

/// Defines a function whose body is compiled three times, for AVX-512 and AVX2, too, and chosen when
/// it runs.
macro_rules! vectorised {
    ($(#[$meta:meta])* fn $name:ident($($arg:ident: $type:ty),* $(,)?) $body:block) => {
        $(#[$meta])*
        #[allow(unsafe_code)]
        pub(super) fn $name($($arg: $type),*) {
            #[inline(always)]
            fn portable($($arg: $type),*) $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
                fn wider($($arg: $type),*) {
                    portable($($arg),*);
                }
                #[target_feature(enable = "avx2,fma")]
                fn wide($($arg: $type),*) {
                    portable($($arg),*);
                }
                if is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("fma")
                {
                    // SAFETY: the function needs nothing but the features just found.
                    return unsafe { wider($($arg),*) };
                }
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    // SAFETY: the function needs nothing but the two features just found.
                    return unsafe { wide($($arg),*) };
                }
            }
            portable($($arg),*);
        }
    };
}
pub(super) use vectorised;

/// Partial sums kept side by side, so that sums can be vectorised.
const LANES: usize = 8;

/// `Σ f(a, b)` over two slices of one length, in a fixed order.
#[inline(always)]
pub(super) fn sum2(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut sums = [0f32; LANES];
    let (a_rest, b_rest) = (
        a.chunks_exact(LANES).remainder(),
        b.chunks_exact(LANES).remainder(),
    );
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for lane in 0..LANES {
            sums[lane] += f(a[lane], b[lane]);
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(&a, &b)| f(a, b)).sum();
    sums.iter().sum::<f32>() + rest
}

/// `Σ f(a)`, in a fixed order.
#[inline(always)]
pub(super) fn sum1(a: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    sum2(a, a, |x, _| f(x))
}
