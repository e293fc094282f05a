//! The tests of the whole product: one module per thing a customer can do, run against real processes; and `tidy`, which
//! holds the shape of the source tree.

mod tidy;
