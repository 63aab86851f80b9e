//! Frames that are none: answered where they can be, and the connection stays.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use stromtor_domain::actor::Permission;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest as _, protocol::frame::coding::CloseCode};

use super::door::station;
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn bad_frames_get_an_error_and_the_connection_stays() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let (estate, _) = station(&client, "CP1").await;
    let open =
        json!({ "ocpp_settings": { "password_required": false, "accept_without_protocol": false, "ping": true } });
    let path = format!("/v1/stations/{}", estate.station);
    client.post(&format!("{path}/security-profile-reset"), json!({ "security_profile": 0 })).await;
    assert_eq!(client.patch(&path, open).await.status, 200);
    let mut request = format!("{}/CP1", world.gateway()).into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "ocpp1.6".parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    // Nobody can answer these: they name no message.
    for garbage in
        ["", "{", "null", "[]", "[9]", "hello", "{\"a\":1}", "[3,\"unknown\",{}]", "[4,\"unknown\",\"X\",\"\",{}]"]
    {
        socket.send(Message::Text(garbage.into())).await.unwrap();
    }
    let deep = format!("[2,\"deep\",\"Heartbeat\",{}{}]", "[".repeat(5000), "]".repeat(5000));
    socket.send(Message::Text(deep.into())).await.unwrap();
    let mut ask = async |frame: Value| -> Value {
        socket.send(Message::Text(frame.to_string().into())).await.unwrap();
        loop {
            let message = tokio::time::timeout(Duration::from_secs(10), socket.next()).await.unwrap().unwrap().unwrap();
            let Message::Text(text) = message else { continue };
            let answer: Value = serde_json::from_str(text.as_str()).unwrap();
            if answer[1] == frame[1] {
                return answer;
            }
        }
    };
    for (frame, code) in [
        (json!([2, "a", "Authorize", []]), "FormationViolation"),
        (
            json!([2, "b", "StartTransaction", { "connectorId": 1, "meterStart": 5, "timestamp": "x" }]),
            "OccurenceConstraintViolation",
        ),
        (json!([2, "c", "Dance", {}]), "NotImplemented"),
        (json!([2, "d", "Authorize", {}]), "OccurenceConstraintViolation"),
        (
            json!([2, "e", "StatusNotification", { "connectorId": {}, "status": "Available" }]),
            "TypeConstraintViolation",
        ),
    ] {
        let answer = ask(frame.clone()).await;
        assert_eq!((&answer[0], &answer[2]), (&json!(4), &json!(code)), "{frame}: {answer}");
    }
    assert_eq!(ask(json!([2, "z", "Heartbeat", {}])).await[0], 3);
    assert_eq!(world.texts("select count(*)::text as value from session").await, ["0"]);
    // A frame beyond the limit ends the connection, with the code that says why.
    let large = json!([2, "big", "DataTransfer", { "vendorId": "x", "data": "y".repeat(600_000) }]).to_string();
    socket.send(Message::Text(large.into())).await.unwrap();
    loop {
        match tokio::time::timeout(Duration::from_secs(10), socket.next()).await.unwrap() {
            Some(Ok(Message::Close(Some(frame)))) => {
                assert_eq!(frame.code, CloseCode::Size);
                break;
            }
            Some(Ok(_)) => {}
            // The close may be lost behind what the server did not read.
            Some(Err(_)) | None => break,
        }
    }
    assert_eq!(
        world.texts("select count(*)::text as value from ocpp_message where payload like '%yyyyyyyy%'").await,
        ["0"]
    );
}
