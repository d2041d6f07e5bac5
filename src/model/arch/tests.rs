//! Every family of decoders, with small random weights, against the same network on candle.

use std::sync::Arc;

use candle_core::{
    Device, Tensor,
    quantized::{
        GgmlDType, QTensor,
        gguf_file::{self, Value},
    },
};

use half::f16;
use safetensors::{Dtype, tensor::TensorView};

use super::{adapter::Adapter, candle::Llama, decoder::Decoder, sequence::Step};
use crate::model::{ModelError, gguf::Gguf, kernel::Cpu};

const WIDTH: usize = 64;
const HEADS: usize = 4;
const KV_HEADS: usize = 2;
const INNER: usize = 96;
const VOCABULARY: usize = 50;

/// A file of two layers of `arch`, heads `head` wide.
fn file(arch: &str, head: usize, dtype: GgmlDType) -> tempfile::NamedTempFile {
    let mut tensors: Vec<(String, QTensor)> = Vec::new();
    let mut seed = 1u64;
    let mut add = |name: String, shape: &[usize], around: f32, dtype: GgmlDType| {
        let count: usize = shape.iter().product();
        let mut number = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            around + ((seed >> 40) as f32 / (1u64 << 24) as f32 - 0.5) * 0.4
        };
        let values: Vec<f32> = (0..count).map(|_| number()).collect();
        let tensor = Tensor::from_vec(values, shape, &Device::Cpu).expect("a tensor");
        tensors.push((name, QTensor::quantize(&tensor, dtype).expect("it is quantized")));
    };
    add("token_embd.weight".into(), &[VOCABULARY, WIDTH], 0.0, dtype);
    add("output_norm.weight".into(), &[WIDTH], 1.0, GgmlDType::F32);
    for n in 0..2 {
        let name = |part: &str| format!("blk.{n}.{part}");
        for (part, rows) in [("attn_q", HEADS * head), ("attn_k", KV_HEADS * head), ("attn_v", KV_HEADS * head)] {
            add(name(&format!("{part}.weight")), &[rows, WIDTH], 0.0, dtype);
            if arch == "qwen2" {
                add(name(&format!("{part}.bias")), &[rows], 0.0, GgmlDType::F32);
            }
        }
        if arch == "qwen3" {
            add(name("attn_q_norm.weight"), &[head], 1.0, GgmlDType::F32);
            add(name("attn_k_norm.weight"), &[head], 1.0, GgmlDType::F32);
        }
        add(name("attn_output.weight"), &[WIDTH, HEADS * head], 0.0, dtype);
        add(name("attn_norm.weight"), &[WIDTH], 1.0, GgmlDType::F32);
        add(name("ffn_norm.weight"), &[WIDTH], 1.0, GgmlDType::F32);
        add(name("ffn_gate.weight"), &[INNER, WIDTH], 0.0, dtype);
        add(name("ffn_up.weight"), &[INNER, WIDTH], 0.0, dtype);
        add(name("ffn_down.weight"), &[WIDTH, INNER], 0.0, dtype);
    }
    let number = |key: &str, value: usize| (format!("{arch}.{key}"), Value::U32(value as u32));
    let metadata = [
        ("general.architecture".to_owned(), Value::String(arch.to_owned())),
        number("attention.head_count", HEADS),
        number("attention.head_count_kv", KV_HEADS),
        number("attention.key_length", head),
        number("embedding_length", WIDTH),
        number("context_length", 128),
        number("block_count", 2),
        (format!("{arch}.attention.layer_norm_rms_epsilon"), Value::F32(1e-5)),
    ];
    let metadata: Vec<(&str, &Value)> = metadata.iter().map(|(key, value)| (key.as_str(), value)).collect();
    let tensors: Vec<(&str, &QTensor)> = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    gguf_file::write(&mut file, &metadata, &tensors).expect("it is written");
    file
}

/// The cosine of two rows.
fn near(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn every_family_says_what_candle_says() {
    let tokens: Vec<u32> = (0..70u32).map(|i| i * 7 % VOCABULARY as u32).collect();
    // A head as wide as its share of the width, and one that is not; weights in f32 and in eight bits. Keys and values
    // are eight bits here and f32 there.
    for (arch, head) in [("llama", 16), ("qwen2", 16), ("qwen3", 16), ("qwen3", 24)] {
        for (dtype, least) in [(GgmlDType::F32, 0.9999), (GgmlDType::Q8_0, 0.999)] {
            if !(HEADS * head).is_multiple_of(dtype.block_size()) {
                continue;
            }
            let file = file(arch, head, dtype);
            let open = || Gguf::open(file.path(), &Device::Cpu).expect("it opens");
            let mut oracle = Llama::load(&mut open()).expect("candle loads it");
            let mut ours = Decoder::load(&mut open(), Arc::new(Cpu::new(1))).expect("it loads");
            let (mut theirs, mut mine) = (oracle.begin(), ours.begin());
            let (mut wanted, mut got) = ([Step::new(&mut theirs, &tokens, 3)], [Step::new(&mut mine, &tokens, 3)]);
            oracle.read(&mut wanted, &|| false).expect("candle reads");
            ours.read(&mut got, &|| false).expect("it reads");
            for (wanted, got) in wanted[0].logits.iter().zip(&got[0].logits) {
                let near = near(wanted, got);
                assert!(near > least, "{arch} {head} {dtype:?}: {near}");
            }
        }
    }
}

/// An adapter of rank 4 of the matrices `[name, rows, k]`, with the metadata of a real one.
fn adapter(parts: &[(&str, usize, usize)]) -> Vec<u8> {
    let mut seed = 7u32;
    let mut bytes = |count: usize| -> Vec<u8> {
        let mut number = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f16::from_f32((seed >> 8) as f32 / (1u32 << 24) as f32 - 0.5)
        };
        (0..count).flat_map(|_| number().to_le_bytes()).collect()
    };
    let halves: Vec<(String, Vec<usize>, Vec<u8>)> = parts
        .iter()
        .flat_map(|(name, rows, k)| {
            let (a, b) = (bytes(4 * k), bytes(rows * 4));
            [(format!("{name}.lora_a"), vec![4, *k], a), (format!("{name}.lora_b"), vec![*rows, 4], b)]
        })
        .collect();
    let views = halves.iter().map(|(name, shape, bytes)| {
        (name.as_str(), TensorView::new(Dtype::F16, shape.clone(), bytes).expect("a tensor"))
    });
    let metadata = [("kind", "generator-adapter"), ("base_sha256", "abc"), ("prompt_version", "bottom-line/2")];
    let metadata = metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    safetensors::serialize(views, Some(metadata)).expect("it is written")
}

#[test]
fn an_adapter_changes_what_is_said_as_on_candle() {
    let tokens: Vec<u32> = (0..40u32).map(|i| i * 11 % VOCABULARY as u32).collect();
    for arch in ["llama", "qwen2"] {
        let file = file(arch, 16, GgmlDType::Q8_0);
        let bytes = adapter(&[
            ("blk.0.attn_q", 64, WIDTH),
            ("blk.0.attn_v", 32, WIDTH),
            ("blk.1.attn_k", 32, WIDTH),
            ("blk.1.attn_output", WIDTH, 64),
            ("blk.1.ffn_down", WIDTH, INNER),
        ]);
        let open = |adapted: bool| {
            let mut gguf = Gguf::open(file.path(), &Device::Cpu).expect("it opens");
            if adapted {
                gguf.adapt(Adapter::read(&bytes, "test").expect("an adapter")).expect("it fits");
            }
            gguf
        };
        let say = |adapted: bool| {
            let mut ours = Decoder::load(&mut open(adapted), Arc::new(Cpu::new(1))).expect("it loads");
            let mut oracle = Llama::load(&mut open(adapted)).expect("candle loads it");
            let (mut mine, mut theirs) = (ours.begin(), oracle.begin());
            let (mut got, mut wanted) = ([Step::new(&mut mine, &tokens, 1)], [Step::new(&mut theirs, &tokens, 1)]);
            ours.read(&mut got, &|| false).expect("it reads");
            oracle.read(&mut wanted, &|| false).expect("candle reads");
            (got[0].logits[0].clone(), wanted[0].logits[0].clone())
        };
        let ((plain, _), (got, wanted)) = (say(false), say(true));
        assert!(near(&got, &wanted) > 0.999, "{arch}: {}", near(&got, &wanted));
        assert!(near(&got, &plain) < 0.99, "{arch}: the adapter says nothing of its own: {}", near(&got, &plain));
    }
}

#[test]
fn an_adapter_that_does_not_fit_is_refused() {
    let file = file("llama", 16, GgmlDType::F32);
    let refused = |parts: &[(&str, usize, usize)]| {
        let mut gguf = Gguf::open(file.path(), &Device::Cpu).expect("it opens");
        let adapted = gguf.adapt(Adapter::read(&adapter(parts), "my.safetensors").expect("an adapter"));
        let loaded = adapted.and_then(|()| Decoder::load(&mut gguf, Arc::new(Cpu::new(1))).map(|_| ()));
        loaded.expect_err("it does not fit").to_string()
    };
    let said = refused(&[("blk.0.attn_q", 64, 32)]);
    assert_eq!(said, "my.safetensors: what it has for 'blk.0.attn_q' does not fit a matrix of 64 rows of 64");
    let said = refused(&[("blk.0.ffn_up", INNER, WIDTH)]);
    assert_eq!(said, "my.safetensors: it adapts 'blk.0.ffn_up', which is no matrix that bluf adapts");
    let said = refused(&[("blk.7.attn_q", 64, WIDTH)]);
    assert_eq!(said, "my.safetensors: it adapts 'blk.7.attn_q', which is no matrix that bluf adapts");
    let said = Adapter::read(b"no adapter at all", "my.safetensors").map(|_| ()).expect_err("it is none").to_string();
    assert!(said.starts_with("my.safetensors: "), "{said}");
}

#[test]
fn other_families_are_refused_by_name() {
    let file = file("mamba", 16, GgmlDType::F32);
    let mut gguf = Gguf::open(file.path(), &Device::Cpu).expect("it opens");
    let refused = Decoder::load(&mut gguf, Arc::new(Cpu::new(1))).map(|_| ());
    let said = refused.expect_err("no such family").to_string();
    assert!(said.contains("'mamba'; bluf runs llama, qwen2, qwen3"), "{said}");
    let mut ours = Decoder::load(
        &mut Gguf::open(self::file("llama", 16, GgmlDType::F32).path(), &Device::Cpu).expect("it opens"),
        Arc::new(Cpu::new(1)),
    )
    .expect("it loads");
    let mut sequence = ours.begin();
    let outside = ours.read(&mut [Step::new(&mut sequence, &[50], 1)], &|| false);
    assert!(matches!(outside, Err(ModelError::Token { token: 50, vocabulary: 50 })), "{outside:?}");
}
