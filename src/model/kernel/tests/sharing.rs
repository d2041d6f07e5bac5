//! One `Cpu` may be used from several threads, and from within its own work.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use candle_core::quantized::GgmlDType;

use super::{
    super::{Cpu, Dispatch, Finish},
    Random, Weights, check_same_bits, cpu, plain_rows,
};

#[test]
fn two_models_may_share_one_team_at_the_same_time() {
    let (random, best) = (&mut Random(1), Dispatch::here()[0]);
    let shared = &cpu(best, 3);
    let cases: Vec<_> =
        (0..3).map(|_| (Weights::random(GgmlDType::Q8_0, 256, 512, random), random.floats(64 * 512))).collect();
    let multiply = |cpu: &Cpu, (weights, x): &(Weights, Vec<f32>)| {
        // Twice the product, when every item is done exactly once.
        let (mut out, matrix) = (vec![0.0; 64 * 256], weights.matrix(cpu));
        for _ in 0..2 {
            matrix.multiply(cpu, &plain_rows(cpu, x, 512), Finish::Add, &mut out, 256);
        }
        out
    };
    thread::scope(|scope| {
        for case in &cases {
            scope.spawn(move || {
                let want = multiply(&cpu(best, 1), case);
                for _ in 0..20 {
                    check_same_bits(&multiply(shared, case), &want, &"beside others");
                }
            });
        }
    });
}

#[test]
fn work_may_ask_for_more_work() {
    let (cpu, done) = (cpu(Dispatch::Portable, 3), AtomicUsize::new(0));
    cpu.run(5, true, &|_| cpu.run(7, true, &|_| _ = done.fetch_add(1, Ordering::Relaxed)));
    assert_eq!(done.into_inner(), 35);
}

#[test]
fn chunks_are_whole_and_each_is_handed_out_once() {
    for threads in [1, 3] {
        let (cpu, mut all) = (cpu(Dispatch::Portable, threads), vec![0u32; 107]);
        cpu.each_chunk(&mut all, 10, &|n, chunk| chunk.iter_mut().for_each(|x| *x += n as u32 + 1));
        let want: Vec<u32> = (0..107).map(|i| if i < 100 { i / 10 + 1 } else { 0 }).collect();
        assert_eq!(all, want);
        cpu.each_chunk(&mut all, 0, &|_, _| panic!("there are no chunks of nothing"));
    }
}

#[test]
fn a_level_is_known_by_its_name_and_one_is_always_here() {
    for level in Dispatch::ALL {
        assert_eq!(Dispatch::named(level.name()), Some(level));
        assert_eq!(Dispatch::here().contains(&level), Cpu::with(level, 1).is_some());
    }
    assert_eq!(Dispatch::named("avx1024"), None);
    assert_eq!(Dispatch::here().last(), Some(&Dispatch::Portable));
    assert_eq!(Cpu::new(1).dispatch(), Dispatch::here()[0]);
    assert!(Cpu::new(0).threads() >= 1);
}
