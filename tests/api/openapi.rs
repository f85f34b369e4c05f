//! The API's description against the running server.

use tributary_tests::harness::TestServer;

#[test]
fn every_operation_that_is_described_is_there() {
    let server = TestServer::start();
    let api = serde_json::to_value(tributary::http::openapi()).unwrap();
    for (path, methods) in api["paths"].as_object().unwrap() {
        let at = path.replace('{', "0000").replace('}', "");
        for method in methods.as_object().unwrap().keys() {
            let reply = server.client().send(&method.to_uppercase(), &at, &[], &[]);
            if reply.status < 400 {
                continue;
            }
            // To a HEAD nobody says more than the status.
            if method == "head" {
                assert!(![404, 405].contains(&reply.status), "{path}");
                continue;
            }
            let code = reply.json()["code"].clone();
            assert!(
                code != "route_unknown" && code != "method_not_allowed",
                "{method} {path} is described and not there"
            );
        }
    }
}
