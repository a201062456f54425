//! Any bytes as a customer file: inspected, checked, and scored in all ways, without a panic. What can be
//! scored gives the same bytes for any number of threads and for any way of reading.

#![no_main]

use std::io::Read;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use scoring::{Inspector, Limits, Model, OnError, ScoreOptions, check_csv, score_csv, spreadsheet_safe};

static MODEL: LazyLock<Model> = LazyLock::new(|| {
    let manifest = include_bytes!("../../models/logistic/manifest.json");
    let file = include_bytes!("../../models/logistic/model.json");
    Model::from_parts(manifest, file).expect("the shipped model")
});

/// Hands out a few bytes at a time.
struct Drops<'a>(&'a [u8], usize);

impl Read for Drops<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.1.min(buffer.len()).min(self.0.len());
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut inspector = Inspector::new(Limits::default());
    if inspector.push(bytes).is_err() {
        return;
    }
    let Ok(inspection) = inspector.finish() else { return };
    let dialect = inspection.dialect;
    let _ = check_csv(&MODEL.manifest().schema, &dialect, bytes);
    for on_error in [OnError::Fail, OnError::Skip] {
        let score = |threads, step| {
            let options = ScoreOptions { on_error, rows_max: 1_000, threads };
            let mut result = Vec::new();
            let summary =
                score_csv(&MODEL, &dialect, Drops(bytes, step), &mut result, &options, &mut |_| true);
            summary.map(|summary| (summary, result)).map_err(|error| error.to_string())
        };
        let (one, many) = (score(1, usize::MAX), score(3, 7));
        assert_eq!(one, many);
        if let Ok((_, result)) = one {
            let mut safe = Vec::new();
            spreadsheet_safe(dialect.delimiter, result.as_slice(), &mut safe).expect("memory");
        }
    }
});
