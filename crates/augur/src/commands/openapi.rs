//! `augur openapi`: prints the description of the HTTP API.

use anyhow::Result;
use clap::Args;

use crate::output::print_json;

/// Print the OpenAPI document of the HTTP API
#[derive(Args)]
pub struct Arguments {}

/// Runs the command.
pub fn run(_arguments: &Arguments) -> Result<()> {
    print_json(&api::openapi())
}

#[cfg(test)]
mod tests {
    // It is here because whoever builds the routes compiles all that they lead to, which the program does anyway.
    #[test]
    fn the_list_of_routes_says_what_is_routed() {
        for (listed, described) in api::listed_operations() {
            assert_eq!(described, [listed]);
        }
    }
}
