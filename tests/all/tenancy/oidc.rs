//! Tokens of an external issuer: here, another Stromtor plays it, with a claim of its own.

use serde_json::{Value, json};

use crate::world::{Client, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_verified_address_of_a_configured_issuer_is_a_user_here() {
    let issuer = World::new().await;
    let (iss, jwks) = (issuer.app.public_url.clone(), format!("{}/.well-known/jwks.json", issuer.base));
    let configured =
        stromtor_api::config::OidcIssuer { issuer: iss.clone(), audience: "stromtor-portal".into(), jwks_url: jwks };
    let world = World::with(|config| config.auth.oidc = vec![configured]).await;
    let user = json!({ "email": "ada@example.com", "name": "Ada", "roles": ["viewer"] });
    let user = world.root().create("/v1/users", user).await;
    world.sql("update app_user set status = 'active' where email = 'ada@example.com'").await;

    let keys = issuer.app.keys.load();
    let now = world.app.now().utc().timestamp();
    let token = |change: Value| {
        let mut claims = json!({ "iss": iss, "aud": "stromtor-portal", "sub": "x", "exp": now + 60,
            "email": "Ada@example.com", "email_verified": true });
        claims.as_object_mut().unwrap().extend(change.as_object().cloned().unwrap());
        let signer = keys.signer(issuer.app.now()).unwrap();
        let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::ES256);
        header.kid = Some(signer.id.to_string());
        jsonwebtoken::encode(&header, &claims, signer.encoding()).unwrap()
    };
    let me = async |token: String| Client::new(&world.base, Some(token)).get("/v1/me").await;
    let known = me(token(json!({}))).await;
    assert_eq!((known.status, &known.body["id"]), (200, &user["id"]), "{}", known.body);
    for wrong in [
        json!({ "email_verified": false }),
        json!({ "email": "eve@example.com" }),
        json!({ "aud": "another" }),
        json!({ "exp": now - 1 }),
        json!({ "iss": "https://elsewhere.example.com" }),
    ] {
        assert_eq!(me(token(wrong.clone())).await.code(), "unauthenticated", "{wrong}");
    }
    // The issuer's own access tokens are for itself.
    let own = issuer.root().token.unwrap();
    assert_eq!(me(own).await.code(), "unauthenticated");
}
