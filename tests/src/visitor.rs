//! A visitor of the console, as a browser is one: keeps cookies, and sends forms with the token of their page.

use std::collections::BTreeMap;

use reqwest::Method;

use crate::answer::Answer;
use crate::client::{Client, Request};
use crate::installation::Installation;

/// What a browser's window holds.
#[derive(Clone)]
pub struct Visitor {
    client: Client,
    cookies: BTreeMap<String, String>,
    /// The token of the forms of the page that was last seen.
    token: String,
}

impl Visitor {
    /// Somebody who has not been here.
    pub fn new(on: &Installation) -> Visitor {
        Visitor { client: on.anonymous(), cookies: BTreeMap::new(), token: String::new() }
    }

    /// Somebody who has signed in by the form.
    pub async fn signed_in(on: &Installation, email: &str, password: &str) -> Visitor {
        let mut visitor = Visitor::new(on);
        visitor.page("/sign-in").await;
        let answer = visitor.send("/sign-in", &[("email", email), ("password", password)]).await.expect(303);
        assert!(!answer.header("location").starts_with("/sign-in"), "{}", answer.header("location"));
        visitor.page("/account").await;
        visitor
    }

    /// A page that must be there.
    pub async fn page(&mut self, path: &str) -> String {
        self.get(path).await.expect(200).text()
    }

    /// Asks for a page.
    pub async fn get(&mut self, path: &str) -> Answer {
        let answer = self.ask(Method::GET, path).await;
        self.learn(&answer);
        answer
    }

    /// Sends a form of the page that was last seen, with its token.
    pub async fn send(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let fields = [&[("csrf", self.token.as_str())], fields].concat();
        let answer = self.ask(Method::POST, path).form(&fields).await;
        self.learn(&answer);
        answer
    }

    /// A request with the cookies, and nothing else of a page's.
    pub fn ask(&self, method: Method, path: &str) -> Request {
        let request = self.client.ask_at_root(method, path).header("accept", "text/html");
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if cookies.is_empty() { request } else { request.header("cookie", &cookies.join("; ")) }
    }

    /// The token of the forms of the page that was last seen.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The cookies by their names.
    pub fn cookies(&self) -> &BTreeMap<String, String> {
        &self.cookies
    }

    /// The same window with another value in a cookie.
    pub fn with_cookie(&self, name: &str, value: &str) -> Visitor {
        let mut changed = self.clone();
        changed.cookies.insert(name.to_owned(), value.to_owned());
        changed
    }

    fn learn(&mut self, answer: &Answer) {
        for header in answer.headers.get_all("set-cookie") {
            let text = header.to_str().expect("a cookie is text");
            let (name, rest) = text.split_once('=').expect("a cookie has a value");
            if text.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                let value = rest.split(';').next().unwrap_or_default();
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        if answer.header("content-type").starts_with("text/html")
            && let Some((_, rest)) = answer.text().split_once("name=\"csrf-token\" content=\"")
            && let Some((token, _)) = rest.split_once('"')
            && !token.is_empty()
        {
            self.token = token.to_owned();
        }
    }
}
