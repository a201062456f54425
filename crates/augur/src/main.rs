//! The program's entry; everything is in the library, where tests reach it.

use std::process::ExitCode;

fn main() -> ExitCode {
    augur::run()
}
