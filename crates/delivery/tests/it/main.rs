//! Deliveries against receivers that fail, lie and come back, on a store whose disk, clock and chance
//! the test holds. Time is tokio's paused clock: waiting for hours takes no time.

mod faults;
mod receiver;
