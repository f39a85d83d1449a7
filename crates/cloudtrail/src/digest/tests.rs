use super::*;

/// AWS's own example ("CloudTrail digest file structure"), its hashes shortened there to fit the page.
fn example() -> serde_json::Value {
    serde_json::json!({
        "awsAccountId": "111122223333",
        "digestStartTime": "2015-08-17T14:01:31Z",
        "digestEndTime": "2015-08-17T15:01:31Z",
        "digestS3Bucket": "trail",
        "digestS3Object": "AWSLogs/111122223333/CloudTrail-Digest/us-east-2/2015/08/17/111122223333_CloudTrail-Digest_us-east-2_my_trail_us-east-1_20150817T150131Z.json.gz",
        "digestPublicKeyFingerprint": "31e8b5433410dfb61a9dc45cc65b22ff",
        "digestSignatureAlgorithm": "SHA256withRSA",
        "newestEventTime": "2015-08-17T14:52:27Z",
        "oldestEventTime": "2015-08-17T14:42:27Z",
        "previousDigestS3Bucket": null,
        "previousDigestS3Object": null,
        "previousDigestHashValue": null,
        "previousDigestHashAlgorithm": null,
        "previousDigestSignature": null,
        "logFiles": [{
            "s3Bucket": "trail",
            "s3Object": "AWSLogs/111122223333/CloudTrail/us-east-2/2015/08/17/111122223333_CloudTrail_us-east-2_20150817T1445Z_9nYN7gp2eWAJHIfT.json.gz",
            "hashValue": "9bb6196fc6b84d6f075a56548feca262bd99ba3c2de41b618e5b6e22c1fc71f6",
            "hashAlgorithm": "SHA-256",
            "newestEventTime": "2015-08-17T14:52:27Z",
            "oldestEventTime": "2015-08-17T14:42:27Z"
        }]
    })
}

fn read(json: &serde_json::Value) -> Result<Digest, DigestError> {
    Digest::read(json.to_string().as_bytes())
}

#[test]
fn a_digest_is_read_and_its_signed_text_is_the_one_of_aws() {
    let json = example();
    let digest = read(&json).unwrap();
    assert_eq!(digest.previous, None);
    assert_eq!(digest.log_objects[0].sha256[..3], [0x9b, 0xb6, 0x19]);
    let text = sha256(json.to_string().as_bytes());
    let lines: Vec<String> = digest.signed_text().lines().map(str::to_owned).collect();
    let place = format!("trail/{}", digest.place.object_key);
    assert_eq!(
        lines,
        ["2015-08-17T15:01:31Z", &place, &in_hex(&text), "null"]
    );
}

#[test]
fn a_name_tells_trail_region_and_kind() {
    let name = DigestName::read(&read(&example()).unwrap().place.object_key).unwrap();
    assert_eq!(
        (&*name.account_id, &*name.region),
        ("111122223333", "us-east-2")
    );
    assert_eq!(
        (&*name.trail, name.is_backfill),
        ("my_trail_us-east-1", false)
    );
    let backfill = "1_CloudTrail-Digest_us-east-2_t_us-east-1_20150817T150131Z_backfill.json.gz";
    assert!(DigestName::read(backfill).unwrap().is_backfill);
    for no_digest in [
        "",
        "a/b.json.gz",
        "1_CloudTrail-Digest_us-east-2.json.gz",
        "1_CloudTrail_us-east-2_20150817T1501Z_x.json.gz",
    ] {
        assert_eq!(DigestName::read(no_digest), None, "{no_digest}");
    }
}

#[test]
fn what_cannot_be_checked_is_refused() {
    for (member, value) in [
        ("digestEndTime", "yesterday"),
        ("digestSignatureAlgorithm", "MD5withRSA"),
        ("awsAccountId", ""),
    ] {
        let mut json = example();
        json[member] = match value {
            "" => serde_json::Value::Null,
            value => value.into(),
        };
        assert!(read(&json).is_err(), "{member}");
    }
    let mut json = example();
    json["logFiles"][0]["hashValue"] = "9bb6".into();
    assert!(matches!(
        read(&json),
        Err(DigestError::Member {
            member: "hashValue"
        })
    ));
    assert!(matches!(
        Digest::read(b"\x1f\x8b\x08"),
        Err(DigestError::Gunzip(_))
    ));
    assert!(matches!(Digest::read(b"[]"), Err(DigestError::Json(_))));
}

#[test]
fn a_digest_larger_than_the_first_buffer_is_unpacked_whole() {
    let mut json = example();
    let one = json["logFiles"][0].clone();
    json["logFiles"] = std::iter::repeat_n(one, 1_000).collect();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, json.to_string().as_bytes()).unwrap();
    let digest = Digest::read(&encoder.finish().unwrap()).unwrap();
    assert_eq!(digest.log_objects.len(), 1_000);
    assert_eq!(digest, read(&json).unwrap());
}

#[test]
fn signatures_that_prove_nothing_say_why() {
    let digest = read(&example()).unwrap();
    let keys = |fingerprint: &str| {
        let listed =
            serde_json::json!({"PublicKeyList": [{"Value": "MIIB", "Fingerprint": fingerprint}]});
        PublicKeys::read(listed.to_string().as_bytes()).unwrap()
    };
    let check = |fingerprint: &str, signature: &str| keys(fingerprint).check(&digest, signature);
    let known = "31e8b5433410dfb61a9dc45cc65b22ff";
    assert!(matches!(
        check("31", "00"),
        Err(SignatureFault::UnknownKey { .. })
    ));
    assert_eq!(check(known, "no hex"), Err(SignatureFault::Wrong));
    assert_eq!(check(known, "00"), Err(SignatureFault::Wrong));
    assert!(matches!(
        PublicKeys::read(b"{}"),
        Err(PublicKeysError::Json(_))
    ));
    assert!(matches!(
        PublicKeys::read(br#"{"PublicKeyList":[]}"#),
        Err(PublicKeysError::Empty)
    ));
    let no_base64 = br#"{"PublicKeyList":[{"Value":"*","Fingerprint":"31"}]}"#;
    assert!(matches!(
        PublicKeys::read(no_base64),
        Err(PublicKeysError::Base64 { .. })
    ));
}
