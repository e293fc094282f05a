//! "Fuzz targets for every decoder of bytes from outside": each withstands what a bounded number of changes makes of real bytes, on
//! any toolchain; what it allocates is in proportion to what it is given; and what carries a checksum or a seal is refused when one
//! bit is another. `fuzz/` runs the same functions for as long as one likes.

mod meter;

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

use boxoffice_tests::binary;
use boxoffice_tests::fuzz::{Mutator, TARGETS, Target, folder, kept, real};

/// What a decoder may allocate whatever it is given (buffers of a fixed size), and for each byte that it is given.
const BYTES_ALWAYS: usize = 8 << 20;
const BYTES_PER_BYTE: usize = 512;

/// Calls a decoder: whether it accepted its input, or what went wrong.
fn call(target: &Target, input: &[u8]) -> Result<bool, String> {
    let (outcome, peak) = meter::peak_of(|| catch_unwind(AssertUnwindSafe(|| (target.run)(input))));
    let allowed = BYTES_ALWAYS + BYTES_PER_BYTE * input.len();
    match outcome {
        Err(_) => Err("it panicked, as printed above".into()),
        Ok(_) if peak > allowed => Err(format!("it allocated {peak} bytes for {} bytes of input", input.len())),
        Ok(accepted) => Ok(accepted),
    }
}

/// How many times the usual number of inputs is tried, and where among all inputs to begin.
fn effort() -> (u32, u64) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    (number("FUZZ_TIMES").and_then(|times| u32::try_from(times).ok()).unwrap_or(1), number("FUZZ_SEED").unwrap_or(0))
}

/// Keeps an input that breaks something, to be looked at, and says where.
fn keep(target: &Target, input: &[u8], what: &str) -> String {
    let path = binary::scratch().join(format!("fuzz-{}-{:016x}", target.name, crc(input)));
    let kept = fs::write(&path, input).map(|()| path.display().to_string()).unwrap_or_default();
    format!("{}: {what}: {kept}: {:?}", target.name, String::from_utf8_lossy(&input[..input.len().min(200)]))
}

fn crc(input: &[u8]) -> u64 {
    input.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[test]
fn every_decoder_withstands_what_is_made_of_real_bytes() {
    let (mut faults, (times, seed)) = (Vec::new(), effort());
    for target in &TARGETS {
        let seeds = kept(target.name).unwrap_or_else(|error| panic!("{}: {error}", target.name));
        let mut mutator = Mutator::new(crc(target.name.as_bytes()).wrapping_add(seed));
        let (begun, inputs) = (std::time::Instant::now(), target.inputs.saturating_mul(times));
        let mut accepted = 0;
        for number in 0..inputs.saturating_add(8) {
            // The shortest inputs come by themselves nowhere else.
            let input = if number < 8 { vec![number as u8; number as usize / 2] } else { mutator.input(&seeds) };
            match call(target, &input) {
                Ok(yes) => accepted += u32::from(yes),
                Err(what) => faults.push(keep(target, &input, &what)),
            }
        }
        println!("{}: {inputs} inputs, {accepted} accepted, {} ms", target.name, begun.elapsed().as_millis());
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn seeds_are_accepted_and_no_seal_survives_a_flipped_bit() {
    if std::env::var_os("UPDATE_SEEDS").is_some() {
        write_seeds();
    }
    let mut complaints = Vec::new();
    for target in &TARGETS {
        let seeds = kept(target.name).unwrap_or_else(|error| panic!("{}: {error}", target.name));
        for seed in &seeds {
            if !(target.run)(seed) {
                complaints.push(keep(target, seed, "a seed is refused"));
            }
            // Of long ones some bits only: other ones in each byte.
            let step = if seed.len() > 256 { 29 } else { 1 };
            for bit in (0..seed.len() * 8).step_by(step).filter(|_| target.is_sealed) {
                let mut other = seed.clone();
                other[bit / 8] ^= 1 << (bit % 8);
                if (target.run)(&other) {
                    complaints.push(keep(target, &other, &format!("accepted with bit {bit} flipped")));
                }
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// Writes all seeds anew, with the encoders as they are.
fn write_seeds() {
    for (name, seeds) in real().expect("seeds can be made") {
        let folder = folder(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("the folder can be made");
        for (number, seed) in seeds.iter().enumerate() {
            fs::write(folder.join(format!("{number:03}")), seed).expect("a seed can be written");
        }
    }
}

#[test]
fn the_fuzzer_knows_the_same_targets() {
    let root = binary::source_tree().join("fuzz");
    let manifest: toml::Table = fs::read_to_string(root.join("Cargo.toml")).expect("it is there").parse().expect("TOML");
    let listed: BTreeSet<String> =
        manifest["bin"].as_array().expect("a list").iter().map(|one| one["name"].as_str().expect("a name").to_owned()).collect();
    let known: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(listed, known);
    for name in known {
        let text = fs::read_to_string(root.join(format!("fuzz_targets/{name}.rs"))).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(text.contains(&format!("fuzz::run(\"{name}\", bytes)")), "{name}");
    }
}
