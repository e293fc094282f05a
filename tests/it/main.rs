//! The tests of the whole product: one module per thing a customer can do, run against real processes; and `tidy`, which
//! holds the shape of the source tree.

mod shared;

mod abuse;
mod accounts;
mod audit;
mod backup;
mod bad_input;
mod bench_command;
mod book_seat;
mod browser;
mod cart;
mod changes;
mod cli;
mod contract;
mod create_event;
mod dev_command;
mod failover;
mod forwarding;
mod gate;
mod guest;
mod hold_expiry;
mod idempotent_retry;
mod jepsen;
mod keys;
mod listings;
mod media;
mod members;
mod metrics;
mod my_tickets;
mod no_double_booking;
mod payment_provider;
mod pricing;
mod promo;
mod rate_limits;
mod reading;
mod restart;
mod rolling;
mod saga;
mod search;
mod seat_map;
mod sessions;
mod simulate;
mod tidy;
mod tls;
mod view_event;
