//! Argon2id on threads of its own, fewer than there are cores and of low priority: a flood of log-ins costs its senders, and
//! neither the other requests nor the cluster's heartbeats.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use parking_lot::Mutex;

/// Memory in KiB, passes, lanes: the minimum that OWASP gives for Argon2id.
const COST: (u32, u32, u32) = (19_456, 2, 1);

/// How many hashes may wait; the next one is refused.
const WAITING_MAX: usize = 256;

/// How far the threads step back behind all others (0 = not at all, 19 = as far as there is).
const NICE: i32 = 10;

type Job = Box<dyn FnOnce() + Send>;

/// See the module.
pub struct Passwords {
    queue: SyncSender<Job>,
    /// Checked when there is no account, so that its absence takes as long as a wrong password.
    decoy: String,
}

/// Too many are waiting already.
#[derive(Debug)]
pub struct Busy;

impl Passwords {
    /// One thread less than there are cores, but at least one. They end with this value.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn new() -> std::io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let (queue, jobs) = sync_channel(WAITING_MAX);
        let jobs = Arc::new(Mutex::new(jobs));
        for _ in 0..(cores - 1).max(1) {
            let jobs = Arc::clone(&jobs);
            std::thread::Builder::new().name("passwords".into()).spawn(move || work(&jobs))?;
        }
        Ok(Self { queue, decoy: hash_now("no account has this password").unwrap_or_default() })
    }

    /// The hash to keep, in PHC form.
    pub async fn hash(&self, password: String) -> Result<String, Busy> {
        self.run(move || hash_now(&password)).await?.ok_or(Busy)
    }

    /// Whether the password fits; always false without a hash, and then as slow.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, Busy> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.clone());
        let fits = self
            .run(move || PasswordHash::new(&hash).is_ok_and(|parsed| hasher().verify_password(password.as_bytes(), &parsed).is_ok()))
            .await?;
        Ok(fits && known)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let (answer, answered) = tokio::sync::oneshot::channel();
        let job = Box::new(move || {
            // Nobody waits any more: do not spend a core on it.
            if !answer.is_closed() {
                let _ = answer.send(work());
            }
        });
        self.queue.try_send(job).map_err(|_| Busy)?;
        answered.await.map_err(|_| Busy)
    }
}

/// Whether a hash was made with less work than today's.
pub fn is_weak(hash: &str) -> bool {
    let params = PasswordHash::new(hash).ok().and_then(|parsed| Params::try_from(&parsed).ok());
    params.is_some_and(|params| params.m_cost() < COST.0 || params.t_cost() < COST.1)
}

fn work(jobs: &Mutex<Receiver<Job>>) {
    // On Linux this is about the calling thread alone. Without it hashing works too, so a refusal is no reason to stop.
    let _ = rustix::process::nice(NICE);
    loop {
        // The lock is held while waiting for a job, not while doing it.
        let next = jobs.lock().recv();
        match next {
            Ok(job) => job(),
            Err(_) => return,
        }
    }
}

fn hasher() -> Argon2<'static> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hash_now(password: &str) -> Option<String> {
    hasher().hash_password(password.as_bytes()).ok().map(|hash| hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_fits() {
        let passwords = Passwords::new().unwrap();
        let hash = passwords.hash("correct horse".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        assert!(passwords.verify("correct horse".into(), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("wrong horse".into(), Some(hash)).await.unwrap());
        assert!(!passwords.verify("no account has this password".into(), None).await.unwrap());
    }

    #[test]
    fn hashes_of_earlier_parameters_are_weak() {
        let today = hash_now("correct horse").unwrap();
        assert!(!is_weak(&today));
        assert!(is_weak(&today.replace("m=19456", "m=4096")) && is_weak(&today.replace("t=2", "t=1")));
        assert!(!is_weak("nonsense"));
    }

    #[test]
    fn a_flood_is_refused_at_once() {
        let passwords = Passwords::new().unwrap();
        let (gate, opened) = std::sync::mpsc::channel::<()>();
        let opened = Mutex::new(opened);
        let blocked = Arc::new(opened);
        // Occupies every thread, then fills the queue.
        let jobs = WAITING_MAX + std::thread::available_parallelism().map_or(1, usize::from);
        let mut refused = 0;
        for _ in 0..jobs + 8 {
            let blocked = Arc::clone(&blocked);
            let job: Job = Box::new(move || {
                let _ = blocked.lock().recv();
            });
            refused += usize::from(passwords.queue.try_send(job).is_err());
        }
        assert!(refused > 0);
        drop(gate);
    }
}
