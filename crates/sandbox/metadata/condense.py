#!/usr/bin/env python3
"""Condenses the full table descriptions (entities/*.json of the Dataverse reference) into the files beside this script.

    python3 condense.py DIRECTORY_WITH_FULL_DESCRIPTIONS

Helper columns (`...name`, `...yominame`) and others that are no OData property keep only what metadata answers say of them:
no `EdmType`. Left out are false and null flags (a reader takes a missing flag as false), sources and notes.
The other files are written by describe.py or by hand: only what look-ups and the first calls of a client need.
"""
import json
import pathlib
import sys

TABLES = [
    "account", "activitypointer", "annotation", "contact", "incident", "incidentresolution", "lead", "phonecall",
    "systemuser", "task", "team",
]
ACTIVITY_PRIVILEGES = [
    f"prv{access}Activity" for access in ["Create", "Read", "Write", "Delete", "Assign", "Share", "Append", "AppendTo"]
]
TABLE_KEYS = [
    "LogicalName", "SchemaName", "EntitySetName", "LogicalCollectionName", "ObjectTypeCode", "OwnershipType",
    "PrimaryIdAttribute", "PrimaryNameAttribute", "DisplayName", "DisplayCollectionName", "IsActivity",
    "ChangeTrackingEnabled", "IsOptimisticConcurrencyEnabled", "HasNotes", "HasActivities",
    "IsDuplicateDetectionEnabled", "Privileges", "AlternateKeys",
]
IMAGE = "entityimageid"
PARTIES = ["from", "to", "cc", "bcc", "customers", "organizer", "optionalattendees", "requiredattendees", "partners", "resources"]


def present(value):
    return value is not None and value is not False and value != []


def is_party_list(column):
    """One source calls the parties of a case resolution look-ups."""
    return column["AttributeType"] == "PartyList" or column["LogicalName"] in PARTIES


def is_odata_property(column):
    if is_party_list(column):
        return False
    helper = column.get("AttributeOf") not in (None, IMAGE)
    return not helper and column.get("EdmType") and column.get("IsValidForRead")


def condensed(column):
    kept = {key: value for key, value in column.items() if present(value) and key not in ("IsLogical", "IsValidForRead")}
    if not is_odata_property(column):
        kept.pop("EdmType", None)
        kept.pop("ODataProperty", None)
        if is_party_list(column):
            kept.update(AttributeType="PartyList", AttributeTypeName="PartyListType")
    if column.get("DefaultValue") is False:
        kept["DefaultValue"] = False
    return kept


def named(relationship, table):
    """Names a relationship whose schema name no source tells: the platform's own patterns, else from its three parts."""
    if not relationship.get("SchemaName"):
        column, parent = relationship["ReferencingAttribute"], relationship["ReferencedEntity"]
        patterns = {
            "owningbusinessunit": f"business_unit_{table}", "owningteam": f"team_{table}", "owninguser": f"user_{table}",
            "regardingobjectid": f"{parent}_{table}",
        }
        name = f"lk_{table}_{column}" if parent == "systemuser" else f"{parent}_{table}_{column}"
        relationship["SchemaName"] = patterns.get(column, name)
    relationship["ReferencedEntityNavigationPropertyName"] = (
        relationship.get("ReferencedEntityNavigationPropertyName") or relationship["SchemaName"])
    return relationship


def lines(items):
    return ",\n  ".join(json.dumps(item, ensure_ascii=False) for item in items)


source = pathlib.Path(sys.argv[1])
for table in TABLES:
    full = json.loads((source / f"{table}.json").read_text())
    if full.get("IsActivity") and not full.get("Privileges"):
        full["Privileges"] = ACTIVITY_PRIVILEGES
    head = {key: full[key] for key in TABLE_KEYS if present(full.get(key))}
    columns = [condensed(c) for c in full["Attributes"]]
    parents = [{k: v for k, v in r.items() if present(v)} for r in map(lambda r: named(r, table), full["ManyToOneRelationships"])]
    children = [{k: v for k, v in r.items() if present(v)} for r in full["OneToManyRelationships"]]
    text = json.dumps(head, ensure_ascii=False, indent=1).rstrip("}\n ")
    text += f',\n "Attributes": [\n  {lines(columns)}],\n'
    text += f' "ManyToOneRelationships": [\n  {lines(parents)}],\n "OneToManyRelationships": [\n  {lines(children)}]\n}}\n'
    json.loads(text)
    (pathlib.Path(__file__).parent / f"{table}.json").write_text(text)
