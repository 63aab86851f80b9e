//! A provider's platform: it serves versions and credentials, and calls ours.

use std::sync::{Arc, Mutex};

use poem::{
    EndpointExt as _, IntoResponse as _, Response, Server,
    http::{Method, StatusCode},
    listener::{Acceptor as _, Listener as _, TcpListener},
};
use serde_json::{Value, json};
use stromtor_ocpi::header::authorization;

/// What it was asked, in order: method, path, token, body.
pub type Seen = Arc<Mutex<Vec<(String, String, String, Value)>>>;

pub struct Emsp {
    pub url: String,
    pub seen: Seen,
    /// What it says of its versions and of their details; changed by tests.
    pub versions: Arc<Mutex<Value>>,
    pub details: Arc<Mutex<Value>>,
    /// What it calls us with, and where.
    pub token: String,
    pub base: String,
    http: reqwest::Client,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Emsp {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub fn envelope(data: Value) -> Value {
    json!({ "data": data, "status_code": 1000, "timestamp": "2026-11-23T12:00:00Z" })
}

pub fn roles() -> Value {
    json!([{ "role": "EMSP", "country_code": "DE", "party_id": "FAH", "business_details": { "name": "Fahrstrom" } }])
}

impl Emsp {
    pub async fn start() -> Self {
        let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.unwrap();
        let address = acceptor.local_addr()[0].as_socket_addr().unwrap().to_owned();
        let url = format!("http://{address}");
        let seen: Seen = Arc::default();
        let versions = Arc::new(Mutex::new(json!([{ "version": "2.1.1", "url": format!("{url}/2.1.1") },
            { "version": "2.2.1", "url": format!("{url}/2.2.1") }])));
        let endpoint = |module: &str, role: &str| json!({ "identifier": module, "role": role, "url": format!("{url}/2.2.1/{module}") });
        let endpoints =
            json!([endpoint("credentials", "RECEIVER"), endpoint("tokens", "SENDER"), endpoint("cdrs", "RECEIVER")]);
        let details = Arc::new(Mutex::new(json!({ "version": "2.2.1", "endpoints": endpoints })));
        let (log, list, one, own) = (seen.clone(), versions.clone(), details.clone(), url.clone());
        let endpoint = poem::endpoint::make(move |mut request: poem::Request| {
            let (log, list, one, own) = (log.clone(), list.clone(), one.clone(), own.clone());
            async move {
                let (method, path) = (request.method().clone(), request.uri().path().to_owned());
                let token = request.header("authorization").unwrap_or_default().to_owned();
                let body = request.take_body().into_bytes().await.unwrap_or_default();
                let body = serde_json::from_slice(&body).unwrap_or_default();
                log.lock().unwrap().push((method.to_string(), path.clone(), token, body));
                let answer = match (method, path.as_str()) {
                    (Method::GET, "/versions") => envelope(list.lock().unwrap().clone()),
                    (Method::GET, "/2.2.1") => envelope(one.lock().unwrap().clone()),
                    (Method::POST, "/2.2.1/credentials") => envelope(
                        json!({ "token": "their-token-c", "url": format!("{own}/versions"), "roles": roles() }),
                    ),
                    (Method::DELETE, "/2.2.1/credentials") => {
                        json!({ "status_code": 1000, "timestamp": "2026-11-23T12:00:00Z" })
                    }
                    _ => return StatusCode::NOT_FOUND.into_response(),
                };
                Response::builder().content_type("application/json").body(answer.to_string())
            }
        });
        let task = tokio::spawn(async move {
            let _ = Server::new_with_acceptor(acceptor).run(endpoint.map_to_response()).await;
        });
        Self {
            url,
            seen,
            versions,
            details,
            token: String::new(),
            base: String::new(),
            http: reqwest::Client::new(),
            task,
        }
    }

    /// What it was asked since the last time.
    pub fn seen(&self) -> Vec<(String, String, String, Value)> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    /// Calls a URL with a token as OCPI says; HTTP status and body.
    pub async fn call(&self, method: &str, url: &str, token: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self
            .http
            .request(method.parse().unwrap(), url)
            .header("authorization", authorization(token, true))
            .header("x-request-id", "r-1")
            .header("x-correlation-id", "c-1");
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["x-request-id"], "r-1", "{url}");
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Calls a module of ours with its token.
    pub async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        self.call(method, &format!("{}/{path}", self.base), &self.token, body).await
    }

    pub fn credentials(&self) -> Value {
        json!({ "token": "their-token-b", "url": format!("{}/versions", self.url), "roles": roles() })
    }

    /// Registers with us, as invited: it finds our endpoints and exchanges credentials.
    pub async fn register(&self, invitation: &Value) -> (u16, Value) {
        let text = |key: &str| invitation[key].as_str().unwrap().to_owned();
        let (status, versions) = self.call("GET", &text("versions_url"), &text("token"), None).await;
        assert_eq!(status, 200, "{versions}");
        let version = versions["data"].as_array().unwrap().iter().find(|one| one["version"] == "2.2.1").unwrap();
        let (_, details) = self.call("GET", version["url"].as_str().unwrap(), &text("token"), None).await;
        let endpoints = details["data"]["endpoints"].as_array().unwrap();
        let credentials = endpoints.iter().find(|one| one["identifier"] == "credentials").unwrap();
        self.call("POST", credentials["url"].as_str().unwrap(), &text("token"), Some(self.credentials())).await
    }
}
