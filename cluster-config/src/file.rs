//! The configuration file of one node.
