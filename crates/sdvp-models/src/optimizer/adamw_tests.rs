use super::*;
use crate::params::{Builder, Init};
use candle_core::Device;

/// The full rate at every step.
const CONSTANT: Schedule = Schedule {
    warmup_steps: 0,
    total_steps: 1,
    min_ratio: 1.0,
};

/// One parameter at 2 with loss x², by the formula in double precision.
fn by_hand(config: &AdamWConfig, steps: usize) -> f64 {
    let (mut x, mut m, mut v) = (2.0f64, 0.0, 0.0);
    for step in 1..=steps as i32 {
        let g = (2.0 * x).clamp(-config.clip, config.clip);
        m = config.betas.0 * m + (1.0 - config.betas.0) * g;
        v = config.betas.1 * v + (1.0 - config.betas.1) * g * g;
        let (mh, vh) = (
            m / (1.0 - config.betas.0.powi(step)),
            v / (1.0 - config.betas.1.powi(step)),
        );
        x -= config.learning_rate * mh / (vh.sqrt() + config.eps);
    }
    x
}

#[test]
fn follows_the_formula_and_clips() {
    let b = Builder::fresh(0, &Device::Cpu);
    let x = b.get(1, "x", Init::Const(2.0)).unwrap();
    let params = b.finish().unwrap();
    let config = AdamWConfig {
        learning_rate: 0.1,
        ..AdamWConfig::default()
    };
    let mut optimizer = AdamW::new(&params, config.clone(), CONSTANT).unwrap();
    for _ in 0..25 {
        optimizer
            .step(&x.sqr().unwrap().sum_all().unwrap())
            .unwrap();
    }
    let found = f64::from(x.to_vec1::<f32>().unwrap()[0]);
    assert!((found - by_hand(&config, 25)).abs() < 1e-4, "{found}");
}

#[test]
fn what_is_drawn_back_goes_no_further_than_its_anchor_lets_it() {
    // One small enough for the fused kernel, and one that it does not take.
    for (dtype, name) in [(DType::F32, "fused"), (DType::F64, "composite")] {
        let start = Tensor::full(2.0, 3, &Device::Cpu).unwrap();
        let var = Var::from_tensor(&start.to_dtype(dtype).unwrap()).unwrap();
        let mut params = Builder::fresh(0, &Device::Cpu).finish().unwrap();
        params.insert("x", var.clone());
        let config = AdamWConfig {
            learning_rate: 0.01,
            anchor: 20.0,
            ..AdamWConfig::default()
        };
        let mut optimizer = AdamW::new(&params, config, CONSTANT).unwrap();
        for _ in 0..200 {
            optimizer.step(&var.sum_all().unwrap()).unwrap();
        }
        // Every step goes down by the rate: in equilibrium rate = rate · anchor · way.
        let values = var.to_dtype(DType::F64).unwrap().to_vec1::<f64>().unwrap();
        for value in values {
            assert!((2.0 - value - 0.05).abs() < 1e-3, "{name}: {value}");
        }
    }
}

#[test]
fn a_gradient_that_is_no_number_names_its_parameter() {
    let b = Builder::fresh(0, &Device::Cpu);
    let x = b.get(1, "layer.x", Init::Zeros).unwrap();
    let params = b.finish().unwrap();
    let mut optimizer = AdamW::new(&params, AdamWConfig::default(), CONSTANT).unwrap();
    let error = optimizer
        .step(&x.log().unwrap().sum_all().unwrap())
        .unwrap_err();
    assert!(error.to_string().contains("layer.x"), "{error}");
}

#[test]
fn groups_have_their_own_rate_and_decay() {
    let run = |groups: Vec<ParameterGroup>| {
        let b = Builder::fresh(0, &Device::Cpu);
        let get = |name| b.get((1, 1), name, Init::Const(2.0)).unwrap();
        let (a, head) = (get("body.a"), get("head.a"));
        let params = b.finish().unwrap();
        let config = AdamWConfig {
            learning_rate: 0.1,
            weight_decay: 0.5,
            groups,
            ..AdamWConfig::default()
        };
        let mut optimizer = AdamW::new(&params, config, CONSTANT).unwrap();
        let loss = (a.sum_all().unwrap() + head.sum_all().unwrap()).unwrap();
        let report = optimizer.step(&loss).unwrap();
        assert_eq!(report.loss, Some(4.0));
        assert!((report.grad_norm - 2f64.sqrt()).abs() < 1e-6);
        [a, head].map(|x| x.flatten_all().unwrap().to_vec1::<f32>().unwrap()[0])
    };
    let close = |found: [f32; 2], expected: [f32; 2]| {
        assert!(
            found
                .iter()
                .zip(expected)
                .all(|(f, e)| (f - e).abs() < 1e-5),
            "{found:?}"
        );
    };
    // The first step of Adam is the learning rate; decay takes 0.1 · 0.5 · 2 away before.
    close(run(vec![]), [1.8, 1.8]);
    let body = |decay| ParameterGroup {
        pattern: "body.*".into(),
        rate: 0.1,
        decay,
    };
    close(run(vec![body(Some(false))]), [1.99, 1.8]);
    close(run(vec![body(None)]), [1.98, 1.8]);
}

#[test]
fn a_restored_optimizer_goes_on_as_if_it_had_never_stopped() {
    let make = || {
        let b = Builder::fresh(3, &Device::Cpu);
        let x = b.get((2, 2), "x", Init::Normal(1.0)).unwrap();
        (x, b.finish().unwrap())
    };
    let config = || AdamWConfig {
        learning_rate: 0.1,
        ..AdamWConfig::default()
    };
    let schedule = Schedule {
        warmup_steps: 2,
        total_steps: 8,
        min_ratio: 0.1,
    };
    let run = |x: &Tensor, optimizer: &mut AdamW, steps: usize| {
        for _ in 0..steps {
            optimizer
                .step(&x.sqr().unwrap().sum_all().unwrap())
                .unwrap();
        }
        x.to_vec2::<f32>().unwrap()
    };
    let (x, params) = make();
    let mut straight = AdamW::new(&params, config(), schedule).unwrap();
    let expected = run(&x, &mut straight, 6);

    let (x, params) = make();
    let mut first = AdamW::new(&params, config(), schedule).unwrap();
    run(&x, &mut first, 3);
    let state = first.state().unwrap();
    let mut second = AdamW::new(&params, config(), schedule).unwrap();
    second.restore(&state).unwrap();
    assert_eq!(run(&x, &mut second, 3), expected);

    let message = second
        .restore(&std::collections::HashMap::new())
        .unwrap_err()
        .to_string();
    for name in ["optimizer.first.x", "optimizer.second.x", "optimizer.step"] {
        assert!(message.contains(name), "{message}");
    }
}
