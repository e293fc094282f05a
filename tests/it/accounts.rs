//! "Log in": accounts are opened and logged in at any node, and passwords are never shown.

use std::time::Duration;

use boxoffice_ledger::command::Role;
use boxoffice_tests::cluster::{Cluster, Options};
use boxoffice_tests::http::{Client, PATIENCE, new_key};
use boxoffice_tests::people::{self, PASSWORD, as_person, link, log_in, new_email, register};
use boxoffice_tests::shop;
use serde_json::json;

use crate::shared::{cluster, own_cluster, turn};

#[tokio::test]
async fn an_account_opened_at_one_node_logs_in_at_another() {
    let email = format!("ada-{}@example.com", new_key());
    let body = json!({"email": email, "name": "Ada", "password": "correct horse battery"});
    let opened = Client::at(&cluster().url(1)).post("/user", &body).await;
    assert!(!opened.text.contains("battery") && !opened.text.contains("argon2"), "{}", opened.text);
    let account = opened.expect(201);
    assert_eq!(account["role"], "customer");
    for node in 1..=3 {
        let client = Client::at(&cluster().url(node));
        let session = client.post("/session", &json!({"email": email, "password": "correct horse battery"})).await;
        assert!(matches!(session.status, 200 | 201), "{}", session.text);
        let token = session.body["access_token"].as_str().expect("a token").to_owned();
        let me = shop::eventually("the account", PATIENCE, async || {
            Some(client.with_token(&token).get("/user").await).filter(|reply| reply.status == 200)
        })
        .await;
        assert_eq!((&me.body["id"], &me.body["email"]), (&account["id"], &email.as_str().into()));
    }
    let client = Client::at(&cluster().url(2));
    let wrong = client.post("/session", &json!({"email": email, "password": "wrong horse battery"})).await;
    let nobody = client.post("/session", &json!({"email": "nobody@example.com", "password": "wrong horse battery"})).await;
    assert_eq!((wrong.status, &wrong.body["code"], &wrong.body["detail"]), (401, &nobody.body["code"], &nobody.body["detail"]));
    let again = Client::at(&cluster().url(3)).post("/user", &body).await;
    let _ = again.problem(409, "email_taken");
}

#[tokio::test]
async fn a_token_is_checked() {
    let good = cluster().someone(Role::Customer).token;
    let client = Client::at(&cluster().url(1));
    let mut forged = good.clone();
    let middle = forged.len() / 2;
    let letter = if forged.as_bytes()[middle] == b'A' { "B" } else { "A" };
    forged.replace_range(middle..=middle, letter);
    for token in [forged.as_str(), "", "nonsense", &good[..good.len() - 3]] {
        let reply = client.with_token(token).get("/user/ticket").await;
        assert_eq!(reply.status, 401, "{token}: {}", reply.text);
    }
    assert_eq!(client.with_token(&good).get("/user/ticket").await.status, 200);
}

#[tokio::test]
async fn the_token_command_speaks_for_a_role() {
    for (role, status) in [("coordinator", 422), ("operator", 422), ("customer", 403)] {
        let output = std::process::Command::new(boxoffice_tests::binary::boxoffice())
            .args(["token", "--role", role, "--config"])
            .arg(cluster().config(2))
            .output()
            .expect("the command runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let token = String::from_utf8(output.stdout).expect("text");
        // An empty event is invalid for those who may create one, and forbidden for those who may not.
        let reply = Client::at(&cluster().url(1)).with_token(token.trim()).post("/event", &json!({})).await;
        assert_eq!(reply.status, status, "{role}: {}", reply.text);
    }
}

fn at(node: u64) -> Client {
    Client::at(&cluster().url(node))
}

#[tokio::test]
async fn an_email_changes_though_it_decides_the_group() {
    let ada = register(&at(1), "ada").await;
    let mut address = ada.email.clone();
    // The first change leaves the first address, the second one an address that was reserved for the account.
    for (round, node) in [(1, 2), (2, 3)] {
        let person = as_person(&at(1), &log_in(&at(1), &address, PASSWORD).await.expect(201));
        let next = new_email("ada-moved");
        let ask = |password: &str| json!({"email": next, "password": password});
        let _ = person.post("/user/email", &ask("wrong")).await.problem(401, "bad_credentials");
        let asked = person.post("/user/email", &ask(PASSWORD)).await;
        assert_eq!(asked.status, 202, "{}", asked.text);
        let notice = cluster().letter_to(&address).await.expect("a notice to the old address");
        assert!(notice.contains(&next), "{notice}");
        let token = link(cluster(), &next, "email").await;
        let _ = at(node).post("/user/email/confirm", &json!({"token": format!("{token}x")})).await.problem(410, "link_over");
        for _ in 0..2 {
            let changed = at(node).post("/user/email/confirm", &json!({"token": token})).await.expect(200);
            assert_eq!((&changed["id"], &changed["email"]), (&json!(ada.id), &json!(next)), "round {round}");
        }
        let _ = log_in(&at(node), &address, PASSWORD).await.problem(401, "bad_credentials");
        let session = log_in(&at(node), &next, PASSWORD).await.expect(201);
        assert_eq!(session["user"]["id"], ada.id);
        // The new address is taken, the old one is free.
        let open = |email: &str| json!({"email": email, "name": "Other", "password": PASSWORD});
        let _ = at(1).post("/user", &open(&next)).await.problem(409, "email_taken");
        let _ = at(1).post("/user", &open(&address)).await.expect(201);
        address = next;
    }
}

#[tokio::test]
async fn a_taken_email_is_refused_to_who_has_the_link_only() {
    let (ada, bob) = (register(&at(1), "ada").await, register(&at(2), "bob").await);
    let person = as_person(&at(1), &log_in(&at(1), &ada.email, PASSWORD).await.expect(201));
    let asked = person.post("/user/email", &json!({"email": bob.email, "password": PASSWORD})).await;
    assert_eq!(asked.status, 202, "the same answer as for a free one: {}", asked.text);
    let token = link(cluster(), &bob.email, "email").await;
    let _ = at(3).post("/user/email/confirm", &json!({"token": token})).await.problem(409, "email_taken");
    let _ = at(3).post("/user/email/confirm", &json!({"token": token})).await.problem(410, "link_over");
    assert_eq!(log_in(&at(2), &ada.email, PASSWORD).await.expect(201)["user"]["id"], ada.id);
    assert_eq!(log_in(&at(2), &bob.email, PASSWORD).await.expect(201)["user"]["id"], bob.id);
}

#[tokio::test]
async fn the_first_admin_comes_from_the_printed_link() {
    let _turn = turn();
    let cluster = Cluster::start(Options::default()).expect("the cluster starts");
    let client = Client::at(&cluster.url(1));
    assert_eq!(client.get("/admin/claim").await.expect(200)["claimed"], false);
    let token = shop::eventually("the link in the log", PATIENCE, async || people::token(&cluster.log(2), "claim")).await;
    let claim = |token: &str, email: &str| json!({"token": token, "email": email, "name": "Root", "password": PASSWORD});
    let _ = client.post("/admin/claim", &claim("guess", "root@example.com")).await.problem(410, "link_over");
    let admin = client.post("/admin/claim", &claim(&token, "root@example.com")).await.expect(201);
    assert_eq!(admin["role"], "admin");
    // The same person may repeat it; nobody else may.
    let third = Client::at(&cluster.url(3));
    assert_eq!(third.post("/admin/claim", &claim(&token, "root@example.com")).await.expect(201)["id"], admin["id"]);
    let _ = third.post("/admin/claim", &claim(&token, "eve@example.com")).await.problem(410, "link_over");
    shop::eventually("the node to know that the cluster is claimed", PATIENCE, async || {
        (third.get("/admin/claim").await.expect(200)["claimed"] == true).then_some(())
    })
    .await;

    let session = log_in(&client, "root@example.com", PASSWORD).await.expect(201);
    let root = as_person(&client, &session);
    let gus = register(&client, "gus").await;
    let role = format!("/user/{}/role", gus.id);
    assert_eq!(root.post(&role, &json!({"role": "gate"})).await.expect(200)["role"], "gate");
    let gate = as_person(&client, &log_in(&client, &gus.email, PASSWORD).await.expect(201));
    let _ = gate.post(&role, &json!({"role": "admin"})).await.problem(403, "forbidden");
    let _ = gate.get("/admin/audit").await.problem(403, "forbidden");

    // Who did it is in the log, the same at every node.
    let mut trails = Vec::new();
    for node in 1..=3 {
        let reader = root.moved_to(&cluster.url(node));
        let home = reader.get("/admin/audit").await.expect(200);
        assert_eq!(home["data"][0]["action"], "admin_claimed");
        let group = cluster.group_of_user(&gus.id);
        let page = reader.get(&format!("/admin/audit?group={group}")).await.expect(200);
        let entry = page["data"].as_array().and_then(|all| all.iter().rev().find(|entry| entry["target"] == gus.id)).expect("an entry");
        assert_eq!((&entry["action"], &entry["actor"]), (&json!("role_changed"), &admin["id"]));
        trails.push(page["data"].clone());
    }
    assert!(trails.iter().all(|trail| *trail == trails[0]), "{trails:?}");
}

/// The node that was asked dies somewhere in the middle: a worker of the others takes the change to its end.
#[tokio::test]
async fn a_change_of_email_survives_the_node_that_began_it() {
    let (_turn, cluster) = own_cluster();
    let (one, two) = (Client::at(&cluster.url(1)), Client::at(&cluster.url(2)));
    for delay_ms in [4, 12, 30] {
        let ada = register(&two, "ada").await;
        let person = as_person(&two, &log_in(&two, &ada.email, PASSWORD).await.expect(201));
        let next = new_email("ada-moved");
        let asked = person.post("/user/email", &json!({"email": next, "password": PASSWORD})).await;
        assert_eq!(asked.status, 202, "{}", asked.text);
        let body = json!({"token": link(&cluster, &next, "email").await});
        let confirming = tokio::spawn({
            let (one, body) = (one.clone(), body.clone());
            async move { one.try_post("/user/email/confirm", &new_key(), &body).await }
        });
        tokio::time::sleep(Duration::from_millis(delay_ms)).await;
        cluster.kill(1);
        let _ = confirming.await;
        // Whether the confirmation came through is not known: repeating it is right either way.
        let urls = [cluster.url(2), cluster.url(3)];
        let changed = shop::insist(&two, &urls, "/user/email/confirm", &body).await.expect(200);
        assert_eq!(changed["email"], next.as_str());
        let enter = async |email: &str| shop::insist(&two, &urls, "/session", &json!({"email": email, "password": PASSWORD})).await;
        assert_eq!(enter(&next).await.expect(201)["user"]["id"], ada.id);
        let _ = enter(&ada.email).await.problem(401, "bad_credentials");
        let other = json!({"email": ada.email, "name": "Other", "password": PASSWORD});
        assert_eq!(shop::insist(&two, &urls, "/user", &other).await.status, 201, "the old address is free");
        cluster.spawn(1).expect("the node starts");
        cluster.wait_ready().expect("the node gets ready");
    }
}
