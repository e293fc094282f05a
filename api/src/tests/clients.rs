//! The typed client against the real server, with nodes that are gone or cut the line.

use boxoffice_ledger::command::Role;
use boxoffice_ledger::outcome::SeatState;
use tokio::net::TcpListener;

use super::fake::{event_id, performer_id, plan_hash, venue_id};
use super::harness::config;
use super::sockets::Server;
use crate::backend::Failure;
use crate::client::{Client, ClientError, EventOrder, Paid};

fn client(server: &Server) -> Client {
    Client::new(vec![server.url()], None).unwrap()
}

#[tokio::test]
async fn the_client_walks_the_whole_way() {
    let server = Server::start(config()).await;
    let client = client(&server);
    client.register("ada@example.org", "Ada", "correct horse", "k0").await.unwrap();
    let session = client.log_in("ada@example.org", "correct horse").await.unwrap();
    assert_eq!((session.expires_in, session.user.email.as_str()), (900, "ada@example.org"));
    let user = client.with_token(&session.access_token);
    let event = user.search("radio & co").await.unwrap().data.remove(0);
    assert_eq!((event.id.clone(), event.layout), (event_id().to_string(), plan_hash().to_string()));
    assert_eq!(user.events("limit=1").await.unwrap().data.len(), 1);
    assert_eq!(user.event(&event.id).await.unwrap().sale.unwrap().from_price.unwrap().amount, 9_900);

    let hold = user.hold(&event.id, &[2, 3], "k1").await.unwrap();
    assert_eq!(hold.revision.as_deref(), Some("3:102"));
    assert_eq!(user.hold(&event.id, &[2, 3], "k1").await.unwrap().id, hold.id);
    let states = user.seats(&event.id).await.unwrap().unpack().unwrap();
    assert_eq!((states[1], states[2], states[3], states.len()), (0, 1, 1, 20));
    match user.hold(&event.id, &[3], "k2").await.unwrap_err() {
        ClientError::Refused { status, code, problem, .. } => {
            assert_eq!((status, code.as_str(), problem["conflicts"][0]["seat"].as_str()), (409, "seat_unavailable", Some("A-1-4")));
        }
        other => panic!("{other}"),
    }
    assert_eq!(user.get_hold(&event.id, &hold.id).await.unwrap().state, "active");
    user.extend(&event.id, &hold.id, "k3").await.unwrap();
    let pending = user.pay(&event.id, &hold.id, "slow", "k4").await.unwrap();
    assert!(matches!(&pending, Paid::Hold(hold) if hold.state == "paying"), "{pending:?}");
    let Paid::Order(order) = user.pay(&event.id, &hold.id, "pm_card_visa", "k5").await.unwrap() else { panic!("it is paid") };
    assert_eq!((order.receipt, order.tickets.len()), (Some(17), 2));
    user.order(&order.id).await.unwrap();
    let tickets = user.tickets("").await.unwrap();
    assert_eq!((tickets.complete, tickets.data[0].pending), (Some(false), true));
    user.ticket(&tickets.data[0].id).await.unwrap();
    assert_eq!(user.hold_best(&event.id, 1, "k6").await.unwrap().seats[0].seat.as_deref(), Some("A-1-1"));
    user.release(&event.id, &hold.id, "k7").await.unwrap();
}

#[tokio::test]
async fn coordinators_and_operators_have_their_calls() {
    let server = Server::start(config()).await;
    let staff = client(&server).with_token(&server.edge.token(Role::Admin, 9));
    let venue = staff.create_venue("Hall", "Berlin", "DE", "Europe/Berlin", "k1").await.unwrap();
    assert_eq!(staff.order_bowl(&venue, "B", 2_000, "k2").await.unwrap().levels, 2);
    staff.create_performer("X", "", "k3").await.unwrap();
    let event = EventOrder {
        name: "Final".into(),
        description: String::new(),
        category: "sport".into(),
        venue: venue_id().to_string(),
        performers: vec![performer_id().to_string()],
        starts_at_us: 1_800_000_000_000_000,
        currency: "EUR".into(),
        prices: vec![0, 0],
        pricing: Vec::new(),
        per_user_limit: 0,
    };
    assert!(staff.create_event(&event, "k4").await.unwrap().on_sale);
    staff.set_role(&boxoffice_ledger::ids::UserId(4).to_string(), "coordinator", "k5").await.unwrap();
    assert_eq!(staff.digest(3, Some(50)).await.unwrap().index, 50);
    assert_eq!(staff.status().await.unwrap().groups[0].role, "leader");
    assert!(staff.is_ready().await);
    let stranger = client(&server).status().await.unwrap_err();
    assert!(matches!(&stranger, ClientError::Refused { status: 401, code, .. } if code == "unauthenticated"), "{stranger}");
}

#[tokio::test]
async fn it_goes_on_to_a_node_that_works_with_the_same_key() {
    let server = Server::start(config()).await;
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone_url = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let cutter = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let cutter_url = format!("http://{}", cutter.local_addr().unwrap());
    tokio::spawn(async move { while cutter.accept().await.is_ok() {} });
    let token = Some(server.edge.token(Role::Customer, 1));
    let event = event_id().to_string();
    let client = Client::new(vec![gone_url.clone(), cutter_url.clone(), server.url()], token.clone()).unwrap();
    assert_eq!(client.hold(&event, &[1], "k").await.unwrap().seats[0].index, 1);
    assert_eq!(server.edge.fake.inner.lock().seats[1], SeatState::Held);

    let nobody = Client::new(vec![gone_url.clone()], token.clone()).unwrap();
    let error = nobody.hold(&event, &[1], "k").await.unwrap_err();
    assert!(matches!(error, ClientError::Unavailable(_)), "{error}");
    // The last try could not even begin, but an earlier one may have been done.
    let cut = Client::new(vec![cutter_url, gone_url], token).unwrap();
    let error = cut.hold(&event, &[1], "k").await.unwrap_err();
    assert!(matches!(error, ClientError::Unknown), "{error}");
}

#[tokio::test]
async fn unknown_and_definite_failures_are_told_apart() {
    let server = Server::start(config()).await;
    let user = client(&server).with_token(&server.edge.token(Role::Customer, 1));
    let event = event_id().to_string();
    user.hold(&event, &[0], "k0").await.unwrap();
    server.edge.fake.fail(Some(Failure::Unknown));
    assert!(matches!(user.hold(&event, &[1], "k1").await.unwrap_err(), ClientError::Unknown));
    server.edge.fake.fail(Some(Failure::NoQuorum(1)));
    let definite = user.hold(&event, &[1], "k1").await.unwrap_err();
    assert!(matches!(&definite, ClientError::Refused { status: 503, code, .. } if code == "no_quorum"), "{definite}");
    // A server that heals is tried again.
    let held = tokio::spawn(async move { user.hold(&event, &[2], "k2").await });
    tokio::task::yield_now().await;
    server.edge.fake.fail(None);
    assert_eq!(held.await.unwrap().unwrap().seats[0].index, 2);
}
