//! The nodes of the fake: one that is active, one that is invited.

use async_trait::async_trait;
use boxoffice_ledger::members::MemberState;
use boxoffice_ledger::outcome::Rejection;
use boxoffice_ledger::time::Millis;

use super::*;

/// A token that is good.
pub const TOKEN: &str = "bon_good";

fn member(node: u64, state: MemberState) -> MemberView {
    let (peer, http) = (format!("box{node}:7580"), format!("http://box{node}:7480"));
    let expires_at = (state == MemberState::Invited).then_some(EXPIRES);
    let (leads, votes, learns) = if node == 1 { (3, 13, 0) } else { (0, 0, 0) };
    MemberView { node, peer, http, state, since: Timestamp(7), expires_at, reachable: node == 1, leads, votes, learns, note: None }
}

#[async_trait]
impl NodeDesk for Fake {
    async fn members(&self, cx: Context) -> Answer<Read<Vec<MemberView>>> {
        self.enter("members")?;
        self.read(cx, vec![member(1, MemberState::Active), member(2, MemberState::Invited)])
    }

    async fn invite_member(&self, _: Context, _: Caller, _: Request, peer: String, http: String, ttl: Millis) -> Answer<Written<Invited>> {
        self.enter(&format!("invite_member {peer} {http} {}", ttl.0))?;
        self.written(Invited { node: 4, token: TOKEN.into(), expires_at: EXPIRES })
    }

    async fn join_cluster(&self, _: Context, _: Request, _: u64, token: &str) -> Answer<Written<Joined>> {
        self.enter("join_cluster")?;
        if token != TOKEN {
            return Err(Failure::LinkOver);
        }
        let members = vec![(1, "box1:7580".into()), (4, "box4:7580".into())];
        self.written(Joined { cluster: "arena".into(), node: 4, groups: (8, 4), revision: 9, members, removed: vec![3] })
    }

    async fn drain_member(&self, _: Context, _: Caller, _: Request, node: u64, drain: bool) -> Answer<Written<MemberView>> {
        self.enter(&format!("drain_member {node} {drain}"))?;
        if node != 1 {
            return Err(Failure::NotFound("member"));
        }
        self.written(member(1, if drain { MemberState::Draining } else { MemberState::Active }))
    }

    async fn remove_member(&self, _: Context, _: Caller, _: Request, node: u64) -> Answer<Written<MemberView>> {
        self.enter(&format!("remove_member {node}"))?;
        if node != 2 {
            let detail = format!("n{node} is needed");
            return Err(Failure::Rejected(Rejection::WrongState { detail }, self.revision()));
        }
        self.written(member(2, MemberState::Removed))
    }

    async fn move_leader(&self, _: Context, _: Caller, group: u32, node: u64) -> Answer<()> {
        self.enter(&format!("move_leader {group} {node}"))
    }

    async fn rebalance(&self, _: Context, _: Caller) -> Answer<Vec<(u32, u64)>> {
        self.enter("rebalance")?;
        Ok(vec![(3, 1)])
    }
}
