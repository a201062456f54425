//! Runs the flows: each on the profiles that it names, on the shared installation of a profile or on one
//! of its own, followed by the audit of everything that happened.

use std::any::Any;
use std::borrow::Cow;
use std::collections::HashMap;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::{Arc, LazyLock};
use std::thread::ThreadId;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;
use tokio::sync::{Mutex, RwLock};

use crate::installation::{AUDIT_FAILED, Installation, Profile, Setup};
use crate::services::Services;

/// Most of a flow's time is waiting, so that more of them run than there are cores.
const FLOWS_AT_ONCE: usize = 4;
const FLOW_LIMIT: Duration = Duration::from_secs(240);

/// One flow.
pub struct Flow {
    /// Its name, a sentence.
    pub name: Cow<'static, str>,
    /// What it runs on.
    pub body: Body,
    /// How long it may take.
    pub limit: Duration,
}

impl Flow {
    /// A flow that may take as long as most.
    pub fn new(name: impl Into<Cow<'static, str>>, body: Body) -> Flow {
        Flow { name: name.into(), body, limit: FLOW_LIMIT }
    }
}

/// What a flow does that sets up its installations itself.
pub type Work = Box<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

/// What a flow runs on.
pub enum Body {
    /// Nothing, or installations that it sets up itself.
    Plain(Work),
    /// The same, while no other flow runs.
    PlainAlone(Work),
    /// The shared installation of each profile, beside other flows.
    Shared(for<'a> fn(&'a Installation) -> BoxFuture<'a, ()>),
    /// An installation of its own.
    Own(&'static [Profile], for<'a> fn(&'a mut Installation) -> BoxFuture<'a, ()>),
    /// An installation of its own in the distributed profile, while no other flow runs.
    Alone(for<'a> fn(&'a mut Installation) -> BoxFuture<'a, ()>),
}

/// Lists flows by what they run on: `flows! { shared: a, b; own: c; }`.
#[macro_export]
macro_rules! flows {
    ($($kind:ident: $($name:ident),+ $(,)?;)+) => {
        /// The flows of this file.
        pub fn flows() -> Vec<$crate::suite::Flow> {
            vec![$($($crate::suite::Flow::new(stringify!($name), $crate::flow_body!($kind, $name))),+),+]
        }
    };
}

/// The body of a flow of one kind.
#[macro_export]
macro_rules! flow_body {
    (plain, $name:ident) => {
        $crate::suite::Body::Plain(Box::new(|| Box::pin($name())))
    };
    (plain_alone, $name:ident) => {
        $crate::suite::Body::PlainAlone(Box::new(|| Box::pin($name())))
    };
    (shared, $name:ident) => {
        $crate::suite::Body::Shared(|on| Box::pin($name(on)))
    };
    (own, $name:ident) => {
        $crate::suite::Body::Own($crate::suite::BOTH, |on| Box::pin($name(on)))
    };
    (embedded, $name:ident) => {
        $crate::suite::Body::Own(&[$crate::installation::Profile::Embedded], |on| Box::pin($name(on)))
    };
    (distributed, $name:ident) => {
        $crate::suite::Body::Own(&[$crate::installation::Profile::Distributed], |on| Box::pin($name(on)))
    };
    (alone, $name:ident) => {
        $crate::suite::Body::Alone(|on| Box::pin($name(on)))
    };
}

/// Both profiles.
pub const BOTH: &[Profile] = &[Profile::Embedded, Profile::Distributed];

/// Held for reading by every flow, for writing by those that bear no other beside them.
static TOGETHER: RwLock<()> = RwLock::const_new(());
/// Started by the first flow that needs it.
static SHARED: [Mutex<Option<Arc<Installation>>>; 2] = [Mutex::const_new(None), Mutex::const_new(None)];
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
});
/// Where each thread's last panic happened, for the report.
static PANICS: LazyLock<std::sync::Mutex<HashMap<ThreadId, String>>> = LazyLock::new(Default::default);

/// Runs the flows that the command line asks for.
pub fn run(modules: Vec<(&'static str, Vec<Flow>)>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(FLOWS_AT_ONCE);
    panic::set_hook(Box::new(|panic| {
        PANICS.lock().unwrap().insert(std::thread::current().id(), panic.to_string());
    }));
    let trials = modules
        .into_iter()
        .flat_map(|(module, flows)| flows.into_iter().flat_map(move |flow| trials_of(module, flow)));
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    RUNTIME.block_on(close());
    conclusion.exit_code()
}

fn trials_of(module: &'static str, flow: Flow) -> Vec<Trial> {
    let profiles: Vec<Option<Profile>> = match &flow.body {
        Body::Plain(_) | Body::PlainAlone(_) => vec![None],
        Body::Shared(_) => BOTH.iter().copied().map(Some).collect(),
        Body::Own(profiles, _) => profiles.iter().copied().map(Some).collect(),
        Body::Alone(_) => vec![Some(Profile::Distributed)],
    };
    let flow = Arc::new(flow);
    let trial = |profile: Option<Profile>| {
        let name = match profile {
            None => format!("{module}::{}", flow.name),
            Some(profile) => format!("{}::{module}::{}", word(profile), flow.name),
        };
        let (flow, log_name) = (flow.clone(), format!("{module}-{}", flow.name));
        // On the runtime's own threads, which live as long as the processes started from them.
        Trial::test(name.clone(), move || {
            let judged = async move { judge(&name, &flow, profile, &log_name).await };
            RUNTIME.block_on(RUNTIME.spawn(judged)).expect("not aborted").map_err(Failed::from)
        })
    };
    profiles.into_iter().map(trial).collect()
}

/// Runs a flow, and once more, alone, where it failed beside others: two cores that many processes share
/// can keep any of them waiting for longer than a flow allows. Whoever fails alone, too, has failed, and
/// so has a flow whose audit found something: money must not depend on who else is there.
async fn judge(name: &str, flow: &Flow, profile: Option<Profile>, log_name: &str) -> Result<(), String> {
    if matches!(flow.body, Body::PlainAlone(_) | Body::Alone(_)) {
        let _alone = TOGETHER.write().await;
        return attempt(flow, profile, log_name).await;
    }
    let beside = TOGETHER.read().await;
    let result = attempt(flow, profile, log_name).await;
    drop(beside);
    let Err(report) = result else { return Ok(()) };
    // A whole run of chaos stops at the first thing that does not hold.
    if report.contains(AUDIT_FAILED) || std::env::var("CHAOS").is_ok_and(|size| size == "full") {
        return Err(report);
    }
    let _alone = TOGETHER.write().await;
    attempt(flow, profile, log_name).await.map_err(|again| format!("{report}\nonce more, alone: {again}"))?;
    eprintln!("UNSTEADY: {name} failed and then held alone. It had failed with: {report}");
    Ok(())
}

async fn attempt(flow: &Flow, profile: Option<Profile>, log_name: &str) -> Result<(), String> {
    let profile = profile.unwrap_or(Profile::Distributed);
    match &flow.body {
        Body::Plain(run) | Body::PlainAlone(run) => caught(flow.limit, run()).await,
        Body::Shared(run) => on_shared(profile, flow.limit, *run).await,
        Body::Own(_, run) | Body::Alone(run) => on_own(profile, log_name, flow.limit, *run).await,
    }
}

async fn on_shared(
    profile: Profile,
    limit: Duration,
    run: for<'a> fn(&'a Installation) -> BoxFuture<'a, ()>,
) -> Result<(), String> {
    let installation = shared(profile).await?;
    let flow = async {
        run(&installation).await;
        installation.audit().await;
    };
    caught(limit, flow).await.map_err(|error| format!("{error}\n{}", installation.log_tails(6)))
}

async fn shared(profile: Profile) -> Result<Arc<Installation>, String> {
    let mut place = SHARED[profile as usize].lock().await;
    if place.is_none() {
        let start = async {
            *place = Some(Arc::new(Installation::start(profile, "shared", &Setup::default()).await))
        };
        caught(FLOW_LIMIT, start).await?;
    }
    Ok(place.clone().expect("it has started"))
}

async fn on_own(
    profile: Profile,
    log_name: &str,
    limit: Duration,
    run: for<'a> fn(&'a mut Installation) -> BoxFuture<'a, ()>,
) -> Result<(), String> {
    let mut installation = None;
    caught(FLOW_LIMIT, async {
        installation = Some(Installation::start(profile, log_name, &Setup::default()).await)
    })
    .await?;
    let mut installation = installation.expect("it has started");
    let flow = async {
        run(&mut installation).await;
        installation.audit().await;
    };
    let result =
        caught(limit, flow).await.map_err(|error| format!("{error}\n{}", installation.log_tails(20)));
    let removed = caught(FLOW_LIMIT, installation.remove()).await;
    result.and(removed)
}

/// Turns a panic, or too long a time, into the report of a failure.
async fn caught(limit: Duration, work: impl Future<Output = ()>) -> Result<(), String> {
    match tokio::time::timeout(limit, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(())) => Ok(()),
        // The panic has just unwound on this thread.
        Ok(Err(_)) => {
            let report = PANICS.lock().unwrap().remove(&std::thread::current().id());
            Err(report.unwrap_or_else(|| "a panic without a message".to_owned()))
        }
        Err(_) => Err(format!("not finished within {limit:?}")),
    }
}

/// What somebody said who has panicked.
pub fn words(panic: Box<dyn Any + Send>) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
    text.unwrap_or_else(|| "a panic without a message".to_owned())
}

/// Ends the shared installations and drops the template.
async fn close() {
    for place in &SHARED {
        // Still held only by a flow that was cut off; its processes end with this one.
        if let Some(installation) = place.lock().await.take().and_then(Arc::into_inner) {
            report(caught(FLOW_LIMIT, installation.remove()).await);
        }
    }
    report(caught(FLOW_LIMIT, Services::close()).await);
}

fn report(result: Result<(), String>) {
    if let Err(error) = result {
        eprintln!("something was left behind: {error}");
    }
}

fn word(profile: Profile) -> &'static str {
    match profile {
        Profile::Embedded => "embedded",
        Profile::Distributed => "distributed",
    }
}
