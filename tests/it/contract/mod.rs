//! The HTTP contract: the document that the program prints is OpenAPI 3.1, and a node answers every operation of it as it says,
//! whoever asks for whatever.

mod ask;
mod bookings;
mod changes;
mod document;
mod generate;
mod images;
mod nodes;
mod offers;
mod people;
mod probes;
mod rules;
mod run;
mod script;
