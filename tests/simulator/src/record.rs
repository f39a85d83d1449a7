//! One CloudTrail record, its members in AWS's order.

use crate::calendar::rfc3339;
use crate::json::{self, Members};

/// What a record says; absent members are left out, absent parameters and responses are null.
#[derive(Clone, Copy)]
pub(crate) struct Record<'a> {
    pub(crate) version: &'a str,
    /// JSON.
    pub(crate) identity: &'a str,
    pub(crate) time: i64,
    pub(crate) source: &'a str,
    pub(crate) name: &'static str,
    pub(crate) region: &'a str,
    pub(crate) address: &'a str,
    pub(crate) agent: Option<&'a str>,
    /// Code and message.
    pub(crate) error: Option<(&'a str, &'a str)>,
    /// JSON.
    pub(crate) request: Option<&'a str>,
    /// JSON.
    pub(crate) response: Option<&'a str>,
    /// JSON.
    pub(crate) additional: Option<&'a str>,
    pub(crate) request_id: Option<&'a str>,
    pub(crate) event_id: &'a str,
    pub(crate) read_only: bool,
    /// JSON.
    pub(crate) resources: Option<&'a str>,
    pub(crate) event_type: &'a str,
    pub(crate) recipient: &'a str,
    pub(crate) shared_event_id: Option<&'a str>,
    /// JSON.
    pub(crate) service_details: Option<&'a str>,
    pub(crate) category: &'a str,
    /// JSON.
    pub(crate) addendum: Option<&'a str>,
    /// The host of the request where a client made it.
    pub(crate) tls_host: Option<&'a str>,
    pub(crate) from_console: bool,
}

impl Default for Record<'_> {
    fn default() -> Self {
        Self {
            version: "1.11",
            identity: "null",
            time: 0,
            source: "",
            name: "",
            region: "",
            address: "",
            agent: None,
            error: None,
            request: None,
            response: None,
            additional: None,
            request_id: None,
            event_id: "",
            read_only: true,
            resources: None,
            event_type: "AwsApiCall",
            recipient: "",
            shared_event_id: None,
            service_details: None,
            category: "Management",
            addendum: None,
            tls_host: None,
            from_console: false,
        }
    }
}

impl Record<'_> {
    pub(crate) fn write(&self, out: &mut String) {
        json::object_into(out, |members| {
            self.write_call(members);
            self.write_envelope(members);
        });
    }

    fn write_call(&self, members: &mut Members<'_>) {
        members.text("eventVersion", self.version);
        members.raw("userIdentity", self.identity);
        members.text("eventTime", &rfc3339(self.time));
        members.text("eventSource", self.source);
        members.text("eventName", self.name);
        members.text("awsRegion", self.region);
        members.text("sourceIPAddress", self.address);
        members.text_if("userAgent", self.agent);
        if let Some((code, message)) = self.error {
            members.text("errorCode", code);
            members.text("errorMessage", message);
        }
        members.raw("requestParameters", self.request.unwrap_or("null"));
        members.raw("responseElements", self.response.unwrap_or("null"));
        members.raw_if("additionalEventData", self.additional);
    }

    fn write_envelope(&self, members: &mut Members<'_>) {
        members.text_if("requestID", self.request_id);
        members.text("eventID", self.event_id);
        members.flag("readOnly", self.read_only);
        members.raw_if("resources", self.resources);
        members.text("eventType", self.event_type);
        members.flag("managementEvent", self.category == "Management");
        members.text("recipientAccountId", self.recipient);
        members.text_if("sharedEventID", self.shared_event_id);
        members.raw_if("serviceEventDetails", self.service_details);
        members.text("eventCategory", self.category);
        members.raw_if("addendum", self.addendum);
        if let Some(host) = self.tls_host {
            members.object("tlsDetails", |members| {
                members.text("tlsVersion", "TLSv1.3");
                members.text("cipherSuite", "TLS_AES_128_GCM_SHA256");
                members.text("clientProvidedHostHeader", host);
            });
        }
        if self.from_console {
            members.text("sessionCredentialFromConsole", "true");
        }
    }
}
