//! The nodes of the cluster.

use serde_json::json;

use crate::error::Code::{LinkOver, NotFound, WrongState};
use crate::json::{InvitationOut, InviteBody, JoinBody, LeaderBody, LeaderOut, ListOut, MemberOut, MembershipOut};
use crate::openapi::operation::{Operation, delete, get, post};
use crate::openapi::schemas::{answer, body};

/// Its routes.
pub fn operations() -> Vec<Operation> {
    let mut all = nodes();
    all.extend(leaders());
    all
}

fn nodes() -> Vec<Operation> {
    vec![
        get("/cluster/member", "listMembers", "List the nodes of the cluster")
            .says("With what the node that answers knows of each.")
            .gives(200, "All of them, removed ones too.", answer::<ListOut<MemberOut<'static>>>)
            .read(),
        post("/cluster/member", "inviteMember", "Let a node join")
            .says("It gets a number that is never used again, and a token that works once. `boxoffice cluster join` brings it.")
            .takes(body::<InviteBody>, json!({"peer": "box4.example.net:7580", "http": "http://box4.example.net:7480", "ttl_s": 3600}))
            .gives(201, "The number and the token, which is shown in this answer only.", answer::<InvitationOut<'static>>)
            .written()
            .refused(&[WrongState]),
        post("/cluster/join", "joinCluster", "Join as a node")
            .says("For `boxoffice cluster join`: whoever has the token of an invitation.")
            .takes(body::<JoinBody>, json!({"node": 4, "token": "from-the-invitation"}))
            .gives(200, "What the node needs to know.", answer::<MembershipOut<'static>>)
            .written()
            .refused(&[LinkOver]),
        post("/cluster/member/{id}/drain", "drainMember", "Let a node decide nothing any more")
            .says("Its leaders move, then its votes. It keeps its replicas and serves whoever looks.")
            .gives(200, "The node.", answer::<MemberOut<'static>>)
            .written()
            .refused(&[NotFound, WrongState]),
        post("/cluster/member/{id}/undrain", "undrainMember", "Let a drained node take part again")
            .gives(200, "The node.", answer::<MemberOut<'static>>)
            .written()
            .refused(&[NotFound, WrongState]),
        delete("/cluster/member/{id}", "removeMember", "Take a node out for good")
            .says("Also one that does not answer. Refused when a group would lose its quorum.")
            .answers(204, "It is no node of the cluster any more.")
            .with("Boxoffice-Revision", true)
            .refused(&[NotFound, WrongState]),
    ]
}

fn leaders() -> Vec<Operation> {
    vec![
        post("/cluster/group/{group}/leader", "moveLeader", "Have a node lead a group")
            .says("It leads on for ten minutes, then leaders are spread evenly again.")
            .takes(body::<LeaderBody>, json!({"node": 2}))
            .gives(200, "It leads.", answer::<LeaderOut>)
            .refused(&[NotFound, WrongState]),
        post("/cluster/rebalance", "rebalance", "Spread leaders evenly now")
            .gives(200, "The groups whose leader moved.", answer::<ListOut<LeaderOut>>)
            .refused(&[WrongState]),
    ]
}
