//! How fast a customer file goes from CSV bytes to CSV bytes, as one line of JSON.
//!
//! ```text
//! cargo bench -p scoring --bench path -- MODEL_DIRECTORY FILE.csv [--mode score|parse|inspect]
//!     [--threads N] [--repeats N] [--output RESULT.csv]
//! ```
//!
//! `score` is everything from opening the file to the last byte of the result. `parse` finds and checks
//! the records and cells only. `inspect` is what an upload goes through before. The file's dialect is
//! found before the clock starts. Without an output the result is counted and thrown away.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::time::Instant;

use scoring::{Dialect, Inspector, Limits, Model, OnError, ScoreOptions, count_cells, score_csv};

const STEP_BYTES: usize = 1 << 20;

struct Arguments {
    model: PathBuf,
    file: PathBuf,
    mode: String,
    threads: usize,
    repeats: usize,
    output: Option<PathBuf>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let Some(arguments) = arguments()? else {
        println!("a model's directory and a CSV file are needed");
        return Ok(());
    };
    let model = Model::load(&arguments.model)?;
    let dialect = inspect(&arguments.file)?;
    for _ in 0..arguments.repeats {
        let (begin, cpu_begin) = (Instant::now(), cpu_seconds());
        let rows = run(&arguments, &model, &dialect)?;
        let (seconds, cpu) = (begin.elapsed().as_secs_f64(), cpu_seconds() - cpu_begin);
        println!(
            "{{\"mode\":\"{}\",\"threads\":{},\"rows\":{rows},\"bytes\":{},\"seconds\":{seconds:.4},\
             \"cpu_seconds\":{cpu:.3},\"rows_per_second\":{:.0},\"rows_per_cpu_second\":{:.0},\
             \"peak_kilobytes\":{}}}",
            arguments.mode,
            arguments.threads,
            fs::metadata(&arguments.file)?.len(),
            rows as f64 / seconds,
            rows as f64 / cpu,
            peak_kilobytes(),
        );
    }
    Ok(())
}

/// What the command line says; nothing where no file is named, as when all targets are only run once.
fn arguments() -> Result<Option<Arguments>, Box<dyn Error>> {
    let mut places = Vec::new();
    let mut found = Arguments {
        model: PathBuf::new(),
        file: PathBuf::new(),
        mode: "score".to_owned(),
        threads: 1,
        repeats: 1,
        output: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match word.as_str() {
            "--mode" => found.mode = value()?,
            "--threads" => found.threads = value()?.parse()?,
            "--repeats" => found.repeats = value()?.parse()?,
            "--output" => found.output = Some(value()?.into()),
            "--bench" => {}
            _ => places.push(PathBuf::from(word)),
        }
    }
    let [model, file] = places.as_slice() else { return Ok(None) };
    (found.model, found.file) = (model.clone(), file.clone());
    Ok(Some(found))
}

/// Goes through the file once and says how many customers it has.
fn run(arguments: &Arguments, model: &Model, dialect: &Dialect) -> Result<u64, Box<dyn Error>> {
    let input = File::open(&arguments.file)?;
    let options = ScoreOptions {
        on_error: OnError::Fail,
        rows_max: u64::MAX,
        threads: arguments.threads,
        extra: Vec::new(),
    };
    let output: Box<dyn Write> = match &arguments.output {
        Some(path) => Box::new(File::create(path)?),
        None => Box::new(io::sink()),
    };
    Ok(match arguments.mode.as_str() {
        "parse" => count_cells(dialect, input)?.0,
        "inspect" => inspect(&arguments.file).map(|_| 0)?,
        _ => score_csv(model, dialect, input, output, &options, &mut |_| true)?.rows,
    })
}

fn inspect(path: &PathBuf) -> Result<Dialect, Box<dyn Error>> {
    let mut inspector = Inspector::new(Limits { bytes_max: u64::MAX, ..Limits::default() });
    let (mut file, mut bytes) = (File::open(path)?, vec![0; STEP_BYTES]);
    loop {
        match file.read(&mut bytes)? {
            0 => return Ok(inspector.finish()?.dialect),
            read => inspector.push(&bytes[..read])?,
        }
    }
}

/// User and system time of all threads so far, in hundredths; 0 where the system does not tell it.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<f64> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|field| field.parse().ok())
        .collect();
    // Behind the name come ten numbers, then ticks of user and system time, 100 a second.
    fields.get(10..12).map_or(0.0, |ticks| ticks.iter().sum::<f64>() / 100.0)
}

/// The most memory that the process ever held; 0 where the system does not tell it.
fn peak_kilobytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
