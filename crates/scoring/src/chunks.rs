//! Scores the chunks of a file one after the other or on several threads. Whatever the number of threads,
//! the results come in the file's order, and of several errors the first in the file is told.

use std::collections::BTreeMap;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::chunk::ChunkScorer;
use crate::problem::{InputError, ScoreError};
use crate::reader::{Chunk, TextReader};
use crate::result::ChunkResult;
use crate::summary::Tally;

/// More threads than this would wait for the one that reads and writes.
const THREADS_MAX: usize = 16;
/// How many chunks may be read ahead of the threads that score.
const CHUNKS_AHEAD: usize = 2;

/// A chunk on its way to a thread. Its buffers come back and are used again.
#[derive(Default)]
struct Job {
    number: u64,
    chunk: Chunk,
    result: ChunkResult,
}

/// A chunk on its way back.
struct Done {
    job: Job,
    /// The outer error is what a thread panicked with.
    outcome: thread::Result<Result<Tally, InputError>>,
}

/// Scores all chunks and hands their results to `take` in order.
pub(crate) fn score_chunks<'plan>(
    reader: &mut TextReader<impl Read>,
    threads: usize,
    scorer: impl Fn() -> ChunkScorer<'plan> + Sync,
    mut take: impl FnMut(Tally, &ChunkResult) -> Result<(), ScoreError>,
) -> Result<(), ScoreError> {
    if threads > 1 {
        return score_on_threads(reader, threads.min(THREADS_MAX), &scorer, take);
    }
    let mut scorer = scorer();
    let mut job = Job::default();
    while reader.read(&mut job.chunk)? {
        let tally = scorer.score(&job.chunk, &mut job.result)?;
        take(tally, &job.result)?;
    }
    Ok(())
}

fn score_on_threads<'plan>(
    reader: &mut TextReader<impl Read>,
    threads: usize,
    scorer: &(impl Fn() -> ChunkScorer<'plan> + Sync),
    mut take: impl FnMut(Tally, &ChunkResult) -> Result<(), ScoreError>,
) -> Result<(), ScoreError> {
    let (jobs, queue) = mpsc::channel();
    let queue = Mutex::new(queue);
    let (done_sender, done) = mpsc::channel();
    let mut done = InOrder { done, early: BTreeMap::new() };
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        // Dropped where this closure ends, whereupon the threads end and score no chunk that is left.
        let (jobs, _over) = (jobs, Over(&is_over));
        let (mut read, mut taken, mut started) = (0, 0, 0);
        let mut spare: Vec<Job> = Vec::new();
        let mut end = None;
        loop {
            while end.is_none() && read - taken < (threads + CHUNKS_AHEAD) as u64 {
                let mut job = Job { number: read, ..spare.pop().unwrap_or_default() };
                match reader.read(&mut job.chunk) {
                    Ok(true) => {}
                    Ok(false) => end = Some(Ok(())),
                    Err(error) => end = Some(Err(error)),
                }
                if end.is_none() {
                    // A small file does not need all threads.
                    if read < threads as u64 {
                        let done = done_sender.clone();
                        let thread = thread::Builder::new();
                        let thread = thread.spawn_scoped(scope, || work(scorer, &queue, &is_over, done));
                        // Where the system has no more threads, those that there are do it all.
                        match thread {
                            Ok(_) => started += 1,
                            Err(error) if started == 0 => return Err(error.into()),
                            Err(_) => {}
                        }
                    }
                    read += 1;
                    send(&jobs, job);
                }
            }
            if taken == read {
                return end.unwrap_or(Ok(()));
            }
            let Done { job, outcome } = done.next(taken);
            taken += 1;
            let tally = outcome.unwrap_or_else(|panic| resume_unwind(panic))?;
            take(tally, &job.result)?;
            spare.push(job);
        }
    })
}

/// The queue's other end lives as long as the scope.
fn send(jobs: &Sender<Job>, job: Job) {
    let is_sent = jobs.send(job).is_ok();
    debug_assert!(is_sent, "the queue is open");
}

/// Tells the threads where it is dropped, also by a panic, that nobody waits for a chunk any more.
struct Over<'scope>(&'scope AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What a thread does until there are no more jobs, or nobody waits for them.
fn work<'plan>(
    scorer: &impl Fn() -> ChunkScorer<'plan>,
    queue: &Mutex<Receiver<Job>>,
    is_over: &AtomicBool,
    done: Sender<Done>,
) {
    let mut own = None;
    loop {
        let received = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(mut job) = received else { return };
        // The queue hands out what was in it when its other end was dropped.
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        // A panic travels to the caller in its turn: nobody would wait for this chunk otherwise.
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            own.get_or_insert_with(scorer).score(&job.chunk, &mut job.result)
        }));
        let has_panicked = outcome.is_err();
        if done.send(Done { job, outcome }).is_err() || has_panicked {
            return;
        }
    }
}

/// Chunks that are done, which may come in any order.
struct InOrder {
    done: Receiver<Done>,
    early: BTreeMap<u64, Done>,
}

impl InOrder {
    /// Waits for the chunk with this number, which a thread has or will get.
    fn next(&mut self, number: u64) -> Done {
        loop {
            if let Some(done) = self.early.remove(&number) {
                return done;
            }
            match self.done.recv() {
                Ok(done) => self.early.insert(done.job.number, done),
                Err(_) => unreachable!("the sender is kept until all chunks are taken"),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::AtomicBool;
    use std::sync::mpsc;

    use super::{Job, score_chunks, work};
    use crate::dialect::{Compression, Dialect, Encoding};
    use crate::reader::TextReader;

    #[test]
    fn what_nobody_waits_for_is_not_scored() {
        let (jobs, queue) = mpsc::channel();
        let (sender, done) = mpsc::channel();
        jobs.send(Job::default()).unwrap();
        drop(jobs);
        work(&|| panic!("it is scored"), &Mutex::new(queue), &AtomicBool::new(true), sender);
        assert!(done.recv().is_err());
    }

    #[test]
    #[should_panic(expected = "a thread's own words")]
    fn a_panic_of_a_thread_is_the_callers() {
        let (encoding, compression) = (Encoding::Utf8, Compression::None);
        let dialect = Dialect { encoding, compression, bom: false, delimiter: ',', decimal: '.' };
        let text = "a,b\n".repeat(1 << 20);
        let mut reader = TextReader::new(&dialect, text.as_bytes());
        let _ = score_chunks(&mut reader, 3, || panic!("a thread's own words"), |_, _| Ok(()));
    }
}
