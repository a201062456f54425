//! The proxy does to a connection what the other chapters count on.

use std::time::Duration;

use tests::flows;
use tests::proxy::{Proxy, Stalled};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

flows! {
    plain:
        what_is_sent_arrives_on_both_sides,
        a_cut_connection_is_reset_and_the_next_one_passes,
        a_refusing_proxy_resets_until_it_heals,
        a_stalled_connection_stays_open_and_delivers_nothing,
        a_stalled_connection_is_reset_at_healing_only_where_that_is_wanted;
}

/// Long enough for bytes to pass that should not.
const SILENCE: Duration = Duration::from_millis(300);

/// A server that sends back whatever it is sent, and a proxy in front of it.
async fn echo() -> Proxy {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::to(&listener.local_addr().unwrap().to_string()).await;
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = connection.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    proxy
}

async fn connection(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(proxy.address()).await.unwrap()
}

async fn expect_echo(connection: &mut TcpStream) {
    connection.write_all(b"there and back").await.unwrap();
    let mut back = [0; 14];
    connection.read_exact(&mut back).await.unwrap();
    assert_eq!(&back, b"there and back");
}

async fn expect_reset(connection: &mut TcpStream) {
    let read = tokio::time::timeout(Duration::from_secs(5), connection.read(&mut [0; 1])).await;
    let error = read.expect("the connection is still open").expect_err("an orderly end");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

async fn expect_silence(connection: &mut TcpStream) {
    let _ = connection.write_all(b"into the void").await;
    let read = tokio::time::timeout(SILENCE, connection.read(&mut [0; 1])).await;
    assert!(read.is_err(), "something came: {read:?}");
}

async fn what_is_sent_arrives_on_both_sides() {
    let proxy = echo().await;
    let mut connection = connection(&proxy).await;
    expect_echo(&mut connection).await;
    expect_echo(&mut connection).await;
    assert_eq!(proxy.open_connections(), 1);
}

async fn a_cut_connection_is_reset_and_the_next_one_passes() {
    let proxy = echo().await;
    let mut old = connection(&proxy).await;
    expect_echo(&mut old).await;
    proxy.cut();
    expect_reset(&mut old).await;
    expect_echo(&mut connection(&proxy).await).await;
}

async fn a_refusing_proxy_resets_until_it_heals() {
    let proxy = echo().await;
    proxy.refuse();
    // The reset may come before the connection is there, too.
    if let Ok(mut refused) = TcpStream::connect(proxy.address()).await {
        expect_reset(&mut refused).await;
    }
    proxy.heal(Stalled::Reset);
    expect_echo(&mut connection(&proxy).await).await;
}

async fn a_stalled_connection_stays_open_and_delivers_nothing() {
    let proxy = echo().await;
    let mut old = connection(&proxy).await;
    expect_echo(&mut old).await;
    proxy.stall();
    let mut new = connection(&proxy).await;
    expect_silence(&mut old).await;
    expect_silence(&mut new).await;
    assert_eq!(proxy.open_connections(), 2);
}

async fn a_stalled_connection_is_reset_at_healing_only_where_that_is_wanted() {
    let proxy = echo().await;
    let mut old = connection(&proxy).await;
    expect_echo(&mut old).await;
    proxy.stall();
    proxy.heal(Stalled::DeadForEver);
    expect_silence(&mut old).await;
    expect_echo(&mut connection(&proxy).await).await;
    proxy.heal(Stalled::Reset);
    expect_reset(&mut old).await;
}
