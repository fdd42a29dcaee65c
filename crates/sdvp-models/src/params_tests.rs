use super::*;

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn fresh_values_depend_on_seed_and_full_name_alone() {
    let make = |seed: u64, names: &[&str]| {
        let b = Builder::fresh(seed, &Device::Cpu).pp("part");
        names
            .iter()
            .map(|name| values(&b.get((3, 2), name, Init::Normal(1.0)).unwrap()))
            .collect::<Vec<_>>()
    };
    let (both, reversed) = (make(7, &["a", "b"]), make(7, &["b", "a"]));
    assert_eq!(both[0], reversed[1]);
    assert_eq!(both[1], reversed[0]);
    assert_ne!(both[0], both[1]);
    assert_ne!(both[0], make(8, &["a"])[0]);
}

#[test]
fn one_error_lists_all_that_does_not_fit() {
    let zeros = |shape: (usize, usize)| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
    let tensors =
        [("wrong", zeros((2, 2))), ("extra", zeros((1, 4)))].map(|(n, t)| (n.to_owned(), t));
    let b = Builder::load(tensors.into(), &Device::Cpu);
    assert_eq!(b.get((2, 3), "wrong", Init::Ones).unwrap().dims(), [2, 3]);
    b.pp("deep").get(5, "missing", Init::Ones).unwrap();
    let message = b.finish().err().unwrap().to_string();
    for part in [
        "wrong: expected shape [2, 3], found [2, 2]",
        "deep.missing: missing",
        "extra: not part of",
    ] {
        assert!(message.contains(part), "{message}");
    }
}

fn loaded(name: &str, dtype: DType) -> Builder {
    let values = Tensor::new(&[1.5f32, -2.0], &Device::Cpu).unwrap();
    let values = HashMap::from([(name.to_owned(), values.to_dtype(dtype).unwrap())]);
    Builder::load(values, &Device::Cpu)
}

#[test]
fn any_precision_is_loaded_as_single() {
    for dtype in [DType::F16, DType::BF16, DType::F32, DType::F64] {
        let read = loaded("x", dtype).get(2, "x", Init::Zeros).unwrap();
        assert_eq!(read.dtype(), DType::F32);
        assert_eq!(values(&read), [1.5, -2.0]);
    }
}

#[test]
fn numbers_of_another_kind_are_no_weights() {
    for dtype in [DType::I64, DType::U8] {
        let b = loaded("x", dtype);
        b.get(2, "x", Init::Zeros).unwrap();
        let message = b.finish().err().unwrap().to_string();
        assert!(
            message.contains(&format!(
                "x: expected fractions (F16, BF16, F32 or F64), found {dtype:?}"
            )),
            "{message}"
        );
    }
    // What the network does not need may be of any kind.
    let b = loaded("position_ids", DType::I64);
    b.leave_out("position_ids");
    assert!(b.finish().is_ok());
}

#[test]
fn nothing_is_allocated_for_what_a_configuration_merely_claims() {
    let huge = 1_000_000_000_000;
    for shape in [
        vec![huge, 4],
        vec![huge, huge],
        vec![usize::MAX, usize::MAX],
    ] {
        let message = loaded("x", DType::F32)
            .get(shape, "x", Init::Zeros)
            .err()
            .unwrap();
        let message = message.to_string();
        assert!(
            message.contains("x: expected shape") && message.contains("not of one network"),
            "{message}"
        );
    }
    // Nor is there an end to layers that are claimed.
    let b = loaded("x", DType::F32);
    let error = (0..huge).find_map(|layer| b.pp(layer).get(2, "y", Init::Zeros).err());
    assert!(error.unwrap().to_string().contains("not of one network"));
}

#[test]
fn a_snapshot_keeps_its_values_and_brings_them_back() {
    let b = Builder::fresh(0, &Device::Cpu);
    let x = b.get(2, "x", Init::Const(3.0)).unwrap();
    let params = b.finish().unwrap();
    let snapshot = params.snapshot().unwrap();
    params
        .get("x")
        .unwrap()
        .set(&Tensor::new(&[8f32, 9.0], &Device::Cpu).unwrap())
        .unwrap();
    assert_eq!(values(&x), [8.0, 9.0], "layers see changes");
    params.restore(&snapshot).unwrap();
    assert_eq!(values(&x), [3.0, 3.0]);

    let b = Builder::fresh(0, &Device::Cpu);
    b.get(3, "x", Init::Zeros).unwrap();
    b.get(1, "y", Init::Zeros).unwrap();
    let message = b
        .finish()
        .unwrap()
        .restore(&snapshot)
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("x: expected shape [3]") && message.contains("y: not in"),
        "{message}"
    );
}

#[test]
fn frozen_parameters_of_linear_layers_get_no_gradient() {
    let b = Builder::fresh(0, &Device::Cpu);
    let layer = crate::layers::Linear::new(3, 2, true, &b).unwrap();
    let mut params = b.finish().unwrap();
    params.set_trainable(|name| name == "bias");
    let x = Tensor::ones((4, 3), DType::F32, &Device::Cpu).unwrap();
    let gradients = layer
        .forward(&x)
        .unwrap()
        .sum_all()
        .unwrap()
        .backward()
        .unwrap();
    assert_eq!(
        values(gradients.get(params.get("bias").unwrap()).unwrap()),
        [4.0, 4.0]
    );
    assert!(gradients.get(params.get("weight").unwrap()).is_none());
}
