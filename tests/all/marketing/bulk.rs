//! One change for many stations.

use serde_json::{Value, json};
use stromtor_domain::actor::Permission;

use super::{access, pairs, ready, states};
use crate::world::World;

const BULK: &str = "/v1/access-information/bulk";

#[tokio::test(flavor = "multi_thread")]
async fn is_made_everywhere_or_nowhere() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let mut stations = Vec::new();
    for identity in ["CP1", "CP2", "CP3"] {
        stations.push(ready(&client, identity).await);
    }
    let ids: Vec<&str> = stations.iter().map(|estate| estate.station.as_str()).collect();
    let point = format!("/v1/charge-points/{}", stations[1].charge_point);
    client.patch(&point, json!({ "authentication_types": ["local_rfid"], "evse_id": null })).await;
    let changes = json!({ "marketing": true, "direct_payment": true, "roaming_plus": ["hubject"] });
    let kept = || async { client.get("/v1/publications").await.body["items"].as_array().unwrap().len() };
    for dry_run in [true, false] {
        let body = json!({ "station_ids": ids, "changes": changes, "dry_run": dry_run });
        let result = client.post(BULK, body).await;
        assert_eq!(result.status, 200, "{}", result.body);
        let counts = ["applied", "stations", "changed"].map(|name| result.body[name].clone());
        assert_eq!(counts, [json!(false), json!(3), json!(3)]);
        let refused = result.body["refused"].as_array().unwrap();
        assert_eq!((refused.len(), &refused[0]["station_id"]), (1, &json!(ids[1])), "{}", result.body);
        let codes: Vec<(&Value, &Value)> = refused[0]["refusals"]
            .as_array()
            .unwrap()
            .iter()
            .map(|refusal| (&refusal["pointer"], &refusal["code"]))
            .collect();
        assert_eq!(
            json!(codes),
            json!([
                ["/changes/direct_payment", "remote_authentication_needed"],
                ["/changes/roaming_plus/0", "remote_authentication_needed"],
                ["/changes/roaming_plus/0", "not_ready"]
            ])
        );
        assert_eq!(refused[0]["refusals"][2]["problems"][0]["pointer"], "/evse_id");
        assert_eq!(client.get(&access(ids[0])).await.body["revision"], 0, "nothing was changed");
        assert_eq!(kept().await, 0);
    }
    client.patch(&point, json!({ "authentication_types": ["remote"], "evse_id": "DE*ISE*E9" })).await;
    let filter = json!({ "country": "DE", "city": "berlin", "marketing": false });
    let dry = client.post(BULK, json!({ "filter": filter, "changes": changes, "dry_run": true })).await.body;
    assert_eq!(dry, json!({ "applied": false, "stations": 3, "changed": 3, "refused": [] }));
    assert_eq!(kept().await, 0);
    let done = client.post(BULK, json!({ "filter": filter, "changes": changes })).await.body;
    assert_eq!(done, json!({ "applied": true, "stations": 3, "changed": 3, "refused": [] }));
    assert_eq!(states(&world, &client, ids[1]).await, pairs(&[("hubject", "published")]));
    // What is so already is no change; nothing is left that the filter meets.
    let again = client.post(BULK, json!({ "station_ids": ids, "changes": changes })).await.body;
    assert_eq!((&again["applied"], &again["changed"]), (&json!(true), &json!(0)));
    assert_eq!(client.post(BULK, json!({ "filter": filter, "changes": changes })).await.pointers(), ["/filter"]);
    assert_eq!(client.get(&access(ids[0])).await.body["revision"], 1);
    let off = json!({ "filter": { "roaming_plus": "hubject" }, "changes": { "roaming_plus": [] } });
    assert_eq!(client.post(BULK, off).await.body["changed"], 3);
    assert_eq!(states(&world, &client, ids[2]).await, pairs(&[("hubject", "withdrawn")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_input_is_named() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let estate = ready(&client, "CP1").await;
    let (id, changes) = (&estate.station, json!({ "show_as_poi": true }));
    let many = vec![id; 5001];
    for (body, pointer) in [
        (json!({ "changes": changes }), "/station_ids"),
        (json!({ "station_ids": many, "changes": changes }), "/station_ids"),
        (json!({ "station_ids": [id], "filter": {}, "changes": changes }), "/filter"),
        (json!({ "filter": { "town": "Berlin" }, "changes": changes }), "/filter/town"),
        (json!({ "station_ids": [id, uuid::Uuid::nil()], "changes": changes }), "/station_ids/1"),
        (json!({ "station_ids": [id], "changes": { "accessibility": "open" } }), "/changes/accessibility"),
        (json!({ "station_ids": [id], "changes": { "roaming_plus": ["ocpi", "ocpi"] } }), "/changes/roaming_plus/1"),
    ] {
        let refused = client.post(BULK, &body).await;
        assert_eq!((refused.status, refused.pointers()), (422, vec![pointer]), "{}", refused.body);
    }
}

/// As many as there may be; the estate is made by SQL, for it would take long over REST.
#[tokio::test(flavor = "multi_thread")]
async fn takes_five_thousand_stations_and_follows_them() {
    let world = World::new().await;
    let partner = world.partner("Nordstrom", "cpo").await;
    let client = world.client(partner, Permission::ALL);
    let estate = ready(&client, "CP0").await;
    client.patch(&format!("/v1/locations/{}", estate.location), json!({ "hotline": null })).await;
    world.sql(&format!("update partner set hotline = '+4930' where id = '{partner}'")).await;
    world
        .sql(&format!(
            "insert into station (id, partner_id, location_id, ocpp_identity, installation_status, attributes, metadata, \
               ocpp_settings, created_at, updated_at) \
             select md5('s' || n)::uuid, '{partner}', '{0}', 'CP' || n, 'commissioned', '{{}}', '{{}}', '{{}}', now(), now() \
             from generate_series(1, 4999) n; \
             insert into charge_point (id, partner_id, location_id, station_id, code, evse_id, evse_number, current_type, \
               metadata, created_at, updated_at) \
             select md5('p' || n)::uuid, '{partner}', '{0}', md5('s' || n)::uuid, 'CP' || n || '-1', 'DE*ISE*EX' || n, 1, 'ac', \
               '{{}}', now(), now() from generate_series(1, 4999) n; \
             insert into connector (id, partner_id, location_id, station_id, charge_point_id, ocpp_connector_id, standard, \
               format, power_type, max_voltage_v, max_current_a, metadata, created_at, updated_at) \
             select md5('c' || n)::uuid, '{partner}', '{0}', md5('s' || n)::uuid, md5('p' || n)::uuid, 1, 'iec_62196_t2', \
               'socket', 'ac_3_phase', 400, 32, '{{}}', now(), now() from generate_series(1, 4999) n",
            estate.location
        ))
        .await;
    let body = json!({ "filter": { "location_id": estate.location },
        "changes": { "marketing": true, "roaming_plus": ["hubject", "ocpi"] } });
    let began = std::time::Instant::now();
    let done = client.post(BULK, body).await.body;
    assert_eq!(done, json!({ "applied": true, "stations": 5000, "changed": 5000, "refused": [] }));
    assert!(began.elapsed().as_secs() < 15, "{:?}", began.elapsed());
    let states = "select platform || ' ' || state || ' ' || count(*) as value from roaming_publication \
        group by platform, state order by 1";
    assert_eq!(world.texts(states).await, ["hubject published 5000", "ocpi published 5000"]);
    let changed = world.root().patch(&format!("/v1/partners/{partner}"), json!({ "hotline": null })).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    stromtor_api::jobs::drain(&world.app).await.unwrap();
    assert_eq!(world.texts(states).await, ["hubject withdrawn 5000", "ocpi published 5000"]);
    let events = "select count(*)::text as value from event where type = 'publication.withdrawn'";
    assert_eq!(world.texts(events).await, ["5000"]);
    assert_eq!(world.texts("select count(*)::text as value from publication_due").await, ["0"]);
}
