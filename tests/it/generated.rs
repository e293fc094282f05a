//! The code that stands for `.proto` files is what the generators make of them. It is kept in the tree, so that a build needs no
//! generators; `UPDATE_PROTO=1` writes it anew.

use std::path::Path;

use boxoffice_tests::binary::source_tree;

/// Compares what was generated with what is kept, or keeps it.
fn same(fresh: &Path, kept: &Path) {
    let fresh = std::fs::read_to_string(fresh).expect("something was generated");
    if std::env::var_os("UPDATE_PROTO").is_some() {
        std::fs::write(kept, fresh).expect("the file can be written");
        return;
    }
    let kept_text = std::fs::read_to_string(kept).unwrap_or_default();
    assert!(fresh == kept_text, "{} is not what its .proto files say: UPDATE_PROTO=1 cargo test generated", kept.display());
}

#[test]
fn the_ledgers_messages_are_what_their_proto_files_say() {
    let (dir, proto) = (tempfile::tempdir().expect("a folder"), source_tree().join("ledger/proto"));
    let files = std::fs::read_dir(&proto).expect("a folder").map(|entry| entry.expect("a file").path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|extension| extension == "proto")).collect();
    files.sort();
    let descriptors = protox::compile(files, [&proto]).expect("they compile");
    prost_build::Config::new().out_dir(dir.path()).compile_fds(descriptors).expect("they are written");
    same(&dir.path().join("boxoffice.ledger.rs"), &source_tree().join("ledger/generated/boxoffice.ledger.rs"));
}

#[test]
fn the_peers_protocol_is_what_its_proto_file_says() {
    let (dir, proto) = (tempfile::tempdir().expect("a folder"), source_tree().join("raft/proto"));
    let files = protox::compile([proto.join("peer.proto")], [&proto]).expect("it compiles");
    tonic_prost_build::configure().bytes(".").out_dir(dir.path()).compile_fds(files).expect("it is written");
    same(&dir.path().join("boxoffice.peer.rs"), &source_tree().join("raft/generated/boxoffice.peer.rs"));
}
