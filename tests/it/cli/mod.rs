//! The command line, as people and scripts meet it: what each command prints, on which stream, and with which exit code. What is
//! printed is held by the files beside this one; `UPDATE_CLI=1` writes them anew.

mod context;
mod files;
mod help;
mod nouns;
mod operators;
mod run;
mod snapshot;
