"""The team's own CloudTrail table, as AWS's DDL has it, over raw records of the simulator.

Its columns are AWS's (Amazon Athena user guide, "Create a table for CloudTrail logs"); AWS's own CloudTrailInputFormat, which takes
the records out of log objects, is no open source: the records lie here one a line.
"""

import json

TEXTS = (
    "eventVersion eventTime eventSource eventName awsRegion sourceIPAddress userAgent errorCode errorMessage requestParameters "
    "responseElements additionalEventData requestID eventID readOnly eventType apiVersion recipientAccountId serviceEventDetails "
    "sharedEventID vpcEndpointId vpcEndpointAccountId eventCategory"
).split()
USER_IDENTITY = (
    "struct<type:string,principalid:string,arn:string,accountid:string,invokedby:string,accesskeyid:string,username:string,"
    "onbehalfof:struct<userid:string,identitystorearn:string>,sessioncontext:struct<attributes:struct<mfaauthenticated:string,"
    "creationdate:string>,sessionissuer:struct<type:string,principalid:string,arn:string,accountid:string,username:string>,"
    "ec2roledelivery:string,webidfederationdata:struct<federatedprovider:string,attributes:map<string,string>>>>"
)
COLUMNS = {
    **dict.fromkeys(map(str.lower, TEXTS), "string"),
    "useridentity": USER_IDENTITY,
    "resources": "array<struct<arn:string,accountid:string,type:string>>",
    "tlsdetails": "struct<tlsversion:string,ciphersuite:string,clientprovidedhostheader:string>",
}


def lines(records: list[dict]) -> bytes:
    """The records as the table's files hold them: objects are text in AWS's table, except those with columns of their own."""
    return b"".join(json.dumps(row(record)).encode() + b"\n" for record in records)


def row(record: dict) -> dict:
    """One record."""
    texts = {name.lower(): text(record.get(name)) for name in TEXTS}
    return {**texts, "useridentity": lower(record["userIdentity"]), "tlsdetails": lower(record.get("tlsDetails"))}


def text(value) -> str | None:
    """A value in a column of strings."""
    return value if value is None or isinstance(value, str) else json.dumps(value)


def lower(value):
    """An object with its names in lower case, as Hive has them."""
    return {name.lower(): lower(member) for name, member in value.items()} if isinstance(value, dict) else value


def glue_table(name: str, location: str) -> dict:
    """The table for the Glue catalog."""
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [{"Name": "timestamp", "Type": "string"}],
        "Parameters": {
            "EXTERNAL": "TRUE",
            "projection.enabled": "true",
            "projection.timestamp.type": "enum",
            "projection.timestamp.values": "all",
            "storage.location.template": f"{location}${{timestamp}}/",
        },
        "StorageDescriptor": {
            "Columns": [{"Name": column, "Type": kind} for column, kind in COLUMNS.items()],
            "Location": location,
            "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "SerdeInfo": {"SerializationLibrary": "org.apache.hive.hcatalog.data.JsonSerDe"},
        },
    }
