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

fn public_key() -> Vec<u8> {
    const SIGNING_KEY: &[u8] =
        include_bytes!("../../../../tests/simulator/src/digests/signing_key.der");
    let key = ring::signature::RsaKeyPair::from_pkcs8(SIGNING_KEY).unwrap();
    key.public().as_ref().to_vec()
}

/// Keys as the AWS command line writes them.
fn listed(keys: &[(&str, &[u8])]) -> String {
    use base64::Engine;
    let keys = keys.iter().map(|(fingerprint, value)| {
        let value = base64::engine::general_purpose::STANDARD.encode(value);
        serde_json::json!({"Value": value, "Fingerprint": fingerprint})
    });
    serde_json::json!({"PublicKeyList": keys.collect::<Vec<_>>()}).to_string()
}

#[test]
fn keys_that_can_check_nothing_are_refused() {
    let key = public_key();
    let cut = &key[..key.len() - 8];
    let followed = [&key[..], &[0]].concat();
    let within_another = [&[0x30, 0x82, 1, 14][..], &key].concat();
    for no_key in [
        cut,
        &followed,
        &within_another,
        b"",
        b"0",
        b"0\x84\xff\xff\xff\xff",
    ] {
        let refused = PublicKeys::read(listed(&[("31", no_key)]).as_bytes());
        assert!(
            matches!(&refused, Err(PublicKeysError::NoRsaKey { fingerprint }) if fingerprint == "31"),
            "{refused:?}"
        );
    }
    // The same twice is one; another one of its name would take its place.
    assert!(PublicKeys::read(listed(&[("31", &key), ("31", &key)]).as_bytes()).is_ok());
    let mut other = key.clone();
    other[40] ^= 1;
    let two = PublicKeys::read(listed(&[("31", &key), ("31", &other)]).as_bytes());
    assert!(matches!(
        two,
        Err(PublicKeysError::TwoOfOneFingerprint { .. })
    ));
}

#[test]
fn signatures_that_prove_nothing_say_why() {
    let digest = read(&example()).unwrap();
    let keys = |fingerprint: &str| {
        PublicKeys::read(listed(&[(fingerprint, &public_key())]).as_bytes()).unwrap()
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
    // As people copy them: in capitals, from an editor that marks its files.
    let marked = format!(
        "\u{feff}{}",
        listed(&[(&known.to_uppercase(), &public_key())])
    );
    let marked = PublicKeys::read(marked.as_bytes()).unwrap();
    assert_eq!(marked.check(&digest, "00"), Err(SignatureFault::Wrong));
    let no_base64 = br#"{"PublicKeyList":[{"Value":"*","Fingerprint":"31"}]}"#;
    assert!(matches!(
        PublicKeys::read(no_base64),
        Err(PublicKeysError::Base64 { .. })
    ));
}
