//! The engines of trees alone: from a matrix of inputs in memory to raw scores, on one thread.
//!
//! `cargo bench -p scoring --bench kernels -- MODEL [MATRIX] [--rows N] [--repeats N] [--scores FILE]
//! [--explain true]`
//!
//! MODEL is a model's directory. MATRIX is a file of little-endian `f32`, row after row; without one,
//! numbers are generated. The scores go to a file as little-endian `f64` where one is named. The environment variable AUGUR_SIMD lowers the level of instructions. Prints JSON: rows, the seconds of the
//! fastest repeat, rows per second, the level, and a checksum of the scores. The official libraries do the
//! same with their own predictors.

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use scoring::{Level, Model};

/// Rows that are generated where no matrix is given.
const GENERATED_ROWS: usize = 100_000;

struct Options {
    model: PathBuf,
    matrix: Option<PathBuf>,
    rows: usize,
    repeats: usize,
    scores: Option<PathBuf>,
    /// Contributions of each feature instead of scores, of a model whose inputs are its numbers.
    explain: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo adds `--bench`, and runs benchmarks without arguments among the tests: nothing to do then.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let Some(options) = Options::parse(&arguments)? else {
        println!("usage: kernels MODEL [MATRIX] [--rows N] [--repeats N] [--scores FILE]");
        return Ok(());
    };
    let model = Model::load(&options.model)?;
    let width = model.manifest().inputs.len();
    let matrix = match &options.matrix {
        Some(path) => read(&std::fs::read(path)?, options.rows.saturating_mul(width)),
        None => generate(options.rows.min(GENERATED_ROWS) * width),
    };
    let rows = matrix.len() / width;
    let matrix = &matrix[..rows * width];
    let mut scores = Vec::with_capacity(rows);
    let mut seconds = f64::INFINITY;
    for _ in 0..options.repeats.max(1) {
        scores.clear();
        model.explainer().ok();
        let begin = Instant::now();
        match options.explain {
            true => scores = model.contributions(rows, matrix, &[])?.values,
            false => model.score_inputs(matrix, &mut scores)?,
        }
        seconds = seconds.min(begin.elapsed().as_secs_f64());
    }
    if let Some(path) = &options.scores {
        std::fs::write(path, scores.iter().flat_map(|score| score.to_le_bytes()).collect::<Vec<u8>>())?;
    }
    let report = serde_json::json!({
        "model": model.manifest().name,
        "algorithm": model.manifest().algorithm,
        "rows": rows,
        "seconds": seconds,
        "rows_per_second": rows as f64 / seconds,
        "level": Level::best().name(),
        "checksum": scores.iter().sum::<f64>(),
    });
    println!("{report}");
    Ok(())
}

impl Options {
    /// Nothing where there are no arguments.
    fn parse(arguments: &[String]) -> Result<Option<Options>, Box<dyn Error>> {
        let Some((model, mut rest)) = arguments.split_first() else { return Ok(None) };
        let mut options = Options {
            model: PathBuf::from(model),
            matrix: None,
            rows: usize::MAX,
            repeats: 5,
            scores: None,
            explain: false,
        };
        if let Some((path, others)) = rest.split_first().filter(|(path, _)| !path.starts_with("--")) {
            options.matrix = Some(PathBuf::from(path));
            rest = others;
        }
        for pair in rest.chunks(2) {
            let [name, value] = pair else { return Err(format!("{} wants a value", pair[0]).into()) };
            match name.as_str() {
                "--rows" => options.rows = value.parse()?,
                "--repeats" => options.repeats = value.parse()?,
                "--explain" => options.explain = value.parse()?,
                "--scores" => options.scores = Some(PathBuf::from(value)),
                _ => return Err(format!("{name} is not known").into()),
            }
        }
        Ok(Some(options))
    }
}

fn read(bytes: &[u8], count_max: usize) -> Vec<f64> {
    let numbers = bytes.as_chunks().0.iter().map(|&number| f64::from(f32::from_le_bytes(number)));
    numbers.take(count_max).collect()
}

/// Numbers from 0 to 100, the same each time.
fn generate(count: usize) -> Vec<f64> {
    let number = |place: u64| (place.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as f64 / 42_949_673.0;
    (0..count as u64).map(number).collect()
}
