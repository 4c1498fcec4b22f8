//! Priority: how a thread gives way to others.
//!
//! A thread may lower its own priority and, without rights that the store does not ask for, never raise
//! it again. So what gives way has a thread of its own, which ends with its work.

/// Lowers the calling thread's priority to a niceness, from 0 (it does not give way) to 19. One that
/// gives way more already stays as it is.
///
/// Only on Linux is niceness that of one thread; elsewhere nothing is done.
pub fn give_way(niceness: i32) {
    if cfg!(target_os = "linux") {
        let gives_way = rustix::process::getpriority_process(None).is_ok_and(|now| now >= niceness);
        if !gives_way {
            // Refused by no system that we know; without it the thread competes with the others.
            let _ = rustix::process::setpriority_process(None, niceness);
        }
    }
}
