//! `augur doctor`: checks everything that the program depends on.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use platform::health::{self, Health};
use secrecy::ExposeSecret;
use serde_json::json;

use super::Global;
use crate::config;
use crate::environment::Environment;
use crate::installation::Installation;
use crate::model_source::ModelSource;
use crate::output::{print_json, print_line};

const ALIVE_TIMEOUT: Duration = Duration::from_secs(3);

/// Check every dependency and the models
///
/// The exit status is 1 where something that is required does not work.
#[derive(Args)]
pub struct Arguments {
    /// Only ask the server of this machine whether it lives; for health checks of containers
    #[arg(long)]
    alive: bool,
    /// Which server --alive asks [default: AUGUR_LISTEN, else 127.0.0.1:8000]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

/// Runs the command.
pub async fn run(arguments: Arguments, global: Global) -> Result<()> {
    let environment = Environment::of_process();
    if arguments.alive {
        return ask(config::listen(&environment, arguments.listen)?);
    }
    let mut found = vec![
        Health { name: "settings", required: true, problem: problem_of(check_settings(&environment)) },
        Health { name: "models", required: true, problem: problem_of(ModelSource::new(None).list()) },
    ];
    match Installation::open(&environment, &global).await {
        Ok(installation) => {
            found.extend(health::check(&installation.platform).await);
            installation.close().await?;
        }
        Err(error) => {
            found.push(Health { name: "database", required: true, problem: Some(format!("{error:#}")) })
        }
    }
    if let Ok(Some(url)) = config::amqp_url(&environment) {
        let problem = worker::broker_health(url.expose_secret()).await.err().map(|error| error.to_string());
        found.push(Health { name: "rabbitmq", required: true, problem });
    }
    report(&found, &global)
}

fn check_settings(environment: &Environment) -> Result<()> {
    config::jwt_secret(environment)?;
    config::amqp_url(environment)?;
    config::database(environment)?;
    config::address(environment, "METRICS_LISTEN")?;
    config::api(environment, String::new().into())?;
    Ok(())
}

fn problem_of<T>(result: Result<T>) -> Option<String> {
    result.err().map(|error| format!("{error:#}"))
}

fn report(found: &[Health], global: &Global) -> Result<()> {
    if global.json {
        let described: Vec<_> = found
            .iter()
            .map(|health| {
                json!({
                    "name": health.name,
                    "required": health.required,
                    "healthy": health.problem.is_none(),
                    "problem": health.problem,
                })
            })
            .collect();
        print_json(&described)?;
    } else {
        for health in found {
            let state = health
                .problem
                .as_deref()
                .map_or_else(|| "well".to_owned(), |problem| format!("NOT WELL: {problem}"));
            print_line(&format!("{:<14}{state}", health.name))?;
        }
    }
    if found.iter().any(|health| health.required && health.problem.is_some()) {
        bail!("something that is required does not work");
    }
    Ok(())
}

/// Asks over plain HTTP; a server that listens on every address is asked on this machine.
fn ask(mut address: SocketAddr) -> Result<()> {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    let answer = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&address, ALIVE_TIMEOUT)?;
        stream.set_read_timeout(Some(ALIVE_TIMEOUT))?;
        write!(stream, "GET /livez HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        let mut bytes = Vec::new();
        stream.take(4096).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let answer = answer().with_context(|| format!("{address} does not answer"))?;
    // A worker's port of metrics does not know the path, and lives all the same.
    let status = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).unwrap_or_default();
    if status != "200" && status != "404" {
        bail!("{address} answers: {}", answer.lines().next().unwrap_or_default());
    }
    Ok(())
}
