//! The script of nodes that come and go: on a cluster of one node, which has to stay.

use boxoffice_ledger::command::Role;
use serde_json::{Value, json};

use super::script::Script;

impl Script<'_, '_> {
    /// Somebody is invited, comes, is taken out again; leaders move to where they are.
    pub async fn members(&mut self) {
        let (visitor, operator, admin) =
            (self.visitor.clone(), self.cluster.client(1, Role::Operator), self.cluster.client(1, Role::Admin));
        self.call(&operator, "listMembers", &[], Value::Null).await;
        let new = json!({"peer": "box2.example.net:7580", "http": "http://box2.example.net:7480", "ttl_s": 600});
        let invited = self.call(&admin, "inviteMember", &[], new).await;
        let (node, token) = (invited["node"].clone(), invited["token"].clone());
        self.call(&visitor, "joinCluster", &[], json!({"node": node, "token": token})).await;
        let number = node.to_string();
        self.call(&admin, "removeMember", &[("id", &number)], Value::Null).await;
        self.call(&operator, "moveLeader", &[("group", "0")], json!({"node": 1})).await;
        self.call(&operator, "rebalance", &[], Value::Null).await;
    }
}
