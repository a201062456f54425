//! Long journeys of one job that chance seldom makes, run on the model and on the platform as the
//! random cases are.

use crate::on_a_system;
use crate::operations::{Case, Operation, Request};
use crate::run::Tested;

/// The operation that places the order of every journey.
const ORDER: usize = 1;

fn case(steps: &[Request]) -> Case {
    let beginning = [Request::Deposit { amount: 100 }, Request::UploadTo { service: 1, file: 0 }];
    let steps = beginning.iter().chain(steps).enumerate();
    let groups = steps.map(|(number, &request)| vec![Operation { number, key: None, request }]);
    Case { groups: groups.collect() }
}

#[tokio::test]
async fn workers_of_earlier_attempts_lose_however_the_job_ended() {
    let order = ORDER;
    let claim = Request::Claim { order };
    let settle = |attempt, succeeded| Request::Settle { order, attempt, succeeded };
    let lost = Request::LeaseEnds { order };
    let give_back = |attempt| Request::Release { order, attempt };
    let panic = |attempt| Request::FailAttempt { order, attempt };
    let renew = |attempt| Request::Renew { order, attempt };
    let journeys = [
        // The second attempt succeeds, and the first one comes late, whatever it says.
        vec![claim, give_back(1), claim, renew(1), settle(2, true), settle(1, true), settle(1, false)],
        vec![claim, lost, claim, settle(1, false), panic(1), settle(2, false), settle(1, false)],
        vec![claim, lost, claim, give_back(1), settle(1, true), settle(2, true), settle(2, true)],
        // Three failures end it, of whichever kind, and nobody brings it back.
        vec![claim, panic(1), claim, panic(2), claim, panic(3), claim, settle(3, true), renew(3)],
        vec![claim, lost, claim, lost, claim, lost, claim, settle(3, true), settle(4, false)],
        vec![claim, lost, claim, panic(2), claim, lost, claim, claim, panic(3), give_back(3)],
        // What was given back has no lease to prolong.
        vec![claim, give_back(1), renew(1), give_back(1), panic(1), claim, settle(2, true), renew(2)],
        // A lease that ran out and was claimed by nobody is still the worker's.
        vec![claim, lost, renew(1), claim, lost, settle(1, true), claim, settle(1, false)],
    ];
    on_a_system("journeys", async |system| {
        for steps in &journeys {
            let mut account = Tested::open(system).await;
            if let Err(message) = account.run(system, &case(steps)).await {
                panic!("{steps:?}\n{message}");
            }
        }
        system.check().await;
    })
    .await;
}
