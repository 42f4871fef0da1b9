#!/usr/bin/env python3
"""Writes the descriptions of the tables that condense.py has no source for: the platform's own tables as far as clients read
them, and what this organization customized (custom.json). Run without arguments; the files lie beside this script.

Columns are the published ones that clients of the Web API use; the rest is left out.
"""
import json
import pathlib

HERE = pathlib.Path(__file__).parent
CHANGES = ["Create", "Write", "Delete", "Assign", "Share", "Append", "AppendTo"]


def privileges(name, accesses=("Read", *CHANGES)):
    return [f"prv{access}{name}" for access in accesses]


def column(schema, label, kind, kind_name, edm, writable, more):
    flags = {"IsValidForCreate": "c" in writable, "IsValidForUpdate": "u" in writable}
    base = {"LogicalName": schema.lower(), "SchemaName": schema, "AttributeType": kind, "AttributeTypeName": kind_name,
            "DisplayName": label, "RequiredLevel": "SystemRequired" if "!" in writable else "None"}
    return {**base, **{k: True for k, v in flags.items() if v}, **more, "EdmType": edm}


def key(schema, label):
    return column(schema, label, "Uniqueidentifier", "UniqueidentifierType", "Edm.Guid", "c!", {"IsPrimaryId": True})


def guid(schema, label, writable=""):
    return column(schema, label, "Uniqueidentifier", "UniqueidentifierType", "Edm.Guid", writable, {})


def text(schema, label, length=100, writable="cu", format="Text", **more):
    return column(schema, label, "String", "StringType", "Edm.String", writable,
                  {"MaxLength": length, "Format": format, **more})


def memo(schema, label, length=2000, writable="cu"):
    return column(schema, label, "Memo", "MemoType", "Edm.String", writable, {"MaxLength": length, "Format": "TextArea"})


def integer(schema, label, writable="cu", low=-2147483648, high=2147483647):
    return column(schema, label, "Integer", "IntegerType", "Edm.Int32", writable,
                  {"MinValue": low, "MaxValue": high, "Format": "None"})


def boolean(schema, label, writable="cu", default=False, labels=("No", "Yes"), table=""):
    options = [{"Value": value, "Label": label} for value, label in enumerate(labels)]
    return column(schema, label, "Boolean", "BooleanType", "Edm.Boolean", writable, {
        "OptionSet": {"Name": f"{table}_{schema.lower()}", "OptionSetType": "Boolean", "Options": options},
        "DefaultValue": default})


def moment(schema, label, writable="", format="DateAndTime", behavior="UserLocal"):
    edm = "Edm.Date" if behavior == "DateOnly" else "Edm.DateTimeOffset"
    return column(schema, label, "DateTime", "DateTimeType", edm, writable,
                  {"Format": format, "DateTimeBehavior": behavior})


def choice(table, schema, label, options, writable="cu", default=-1, kind="Picklist", name=None, of=None):
    """`options`: value -> label, or value -> (label, state) of a status, (label, default status) of a state."""
    described = []
    for value, option in options.items():
        if kind == "Status":
            described.append({"Value": value, "Label": option[0], "State": option[1]})
        elif kind == "State":
            described.append({"Value": value, "Label": option[0], "DefaultStatus": option[1]})
        else:
            described.append({"Value": value, "Label": option})
    set_ = {"Name": of or f"{table}_{schema.lower()}", "IsGlobal": of is not None, "OptionSetType": kind}
    if of is None:
        set_["Options"] = described
    return column(schema, label, kind, name or f"{kind}Type", "Edm.Int32", writable,
                  {"DefaultFormValue": default, "OptionSet": set_})


def lookup(schema, label, targets, writable="cu", navigation=None, kind="Lookup"):
    """`targets`: target -> navigation property."""
    logical = schema.lower()
    return column(schema, label, kind, f"{kind}Type", "Edm.Guid", writable, {
        "Targets": list(targets), "ODataProperty": f"_{logical}_value",
        "NavigationProperties": [{"Name": name, "Target": target} for target, name in targets.items()]})


def standard(table, owned=False, currency=False):
    """Who and when; of an owned table also whose."""
    columns = [
        lookup("CreatedBy", "Created By", {"systemuser": "createdby"}, ""),
        moment("CreatedOn", "Created On"),
        lookup("ModifiedBy", "Modified By", {"systemuser": "modifiedby"}, ""),
        moment("ModifiedOn", "Modified On"),
        column("VersionNumber", "Version Number", "BigInt", "BigIntType", "Edm.Int64", "", {}),
    ]
    parents = [parent(f"lk_{table}_{who}", who, "systemuser") for who in ["createdby", "modifiedby"]]
    if owned:
        columns += [
            lookup("OwnerId", "Owner", {"systemuser": "ownerid", "team": "ownerid"}, "cu!", kind="Owner"),
            lookup("OwningBusinessUnit", "Owning Business Unit", {"businessunit": "owningbusinessunit"}, ""),
            lookup("OwningTeam", "Owning Team", {"team": "owningteam"}, ""),
            lookup("OwningUser", "Owning User", {"systemuser": "owninguser"}, ""),
        ]
        parents += [
            parent(f"owner_{table}", "ownerid", "owner"),
            parent(f"business_unit_{table}", "owningbusinessunit", "businessunit", "Restrict"),
            parent(f"team_{table}", "owningteam", "team"), parent(f"user_{table}", "owninguser", "systemuser"),
        ]
    return columns, parents


def parent(schema, attribute, entity, delete="NoCascade", navigation=None, id_=None):
    return {"SchemaName": schema, "ReferencingAttribute": attribute, "ReferencedEntity": entity,
            "ReferencedAttribute": id_ or ("ownerid" if entity == "owner" else
                                           "activityid" if entity in ACTIVITIES else f"{entity}id"),
            "ReferencingEntityNavigationPropertyName": navigation or attribute,
            "ReferencedEntityNavigationPropertyName": schema, "CascadeDelete": delete}


ACTIVITIES = ["task", "phonecall", "activitypointer", "incidentresolution"]
STATES = {0: ("Active", 1), 1: ("Inactive", 2)}
STATUSES = {1: ("Active", 0), 2: ("Inactive", 1)}


def table(logical, schema, set_, code, label, plural, owner, name, columns, parents=(), rights=(), **more):
    return {"LogicalName": logical, "SchemaName": schema, "EntitySetName": set_, "LogicalCollectionName": set_,
            "ObjectTypeCode": code, "OwnershipType": owner,
            "PrimaryIdAttribute": more.pop("id", f"{logical}id"), "PrimaryNameAttribute": name,
            "DisplayName": label, "DisplayCollectionName": plural, **more, "Privileges": list(rights),
            "Attributes": sorted(columns, key=lambda c: c["LogicalName"]),
            "ManyToOneRelationships": list(parents), "OneToManyRelationships": []}


def saved(logical, schema, set_, code, label, plural, owned):
    columns, parents = standard(logical, owned)
    columns += [
        key(f"{schema}Id", label), text("Name", "Name", 200, "cu!"), memo("Description", "Description"),
        text("ReturnedTypeCode", "Returned Type Code", 64, "c!"), memo("FetchXml", "Fetch XML", 1073741823),
        memo("LayoutXml", "Layout XML", 1073741823), integer("QueryType", "Query Type", "cu", 0),
        boolean("IsDefault", "Default", table=logical),
        choice(logical, "StateCode", "Status", STATES, "u", kind="State"),
        choice(logical, "StatusCode", "Status Reason", STATUSES, kind="Status"),
    ]
    name = "UserQuery" if owned else "Query"
    return table(logical, schema, set_, code, label, plural, "UserOwned" if owned else "OrganizationOwned", "name",
                 columns, parents, privileges(name))


def intersect(logical, schema, set_, code, label, first, second):
    columns = [key(f"{logical}id", label), guid(f"{first}id", first, "c"), guid(f"{second}id", second, "c"),
               column("VersionNumber", "Version Number", "BigInt", "BigIntType", "Edm.Int64", "", {})]
    return table(logical, schema, set_, code, label, label, "None", None, columns, rights=[], IsIntersect=True)


def party():
    activities = {a: f"activityid_{a}" for a in ACTIVITIES}
    people = {t: f"partyid_{t}" for t in ["account", "contact", "lead", "systemuser", "queue"]}
    kinds = ["Sender", "To Recipient", "CC Recipient", "BCC Recipient", "Required attendee", "Optional attendee",
             "Organizer", "Regarding", "Owner", "Resource", "Customer"]
    columns = [
        key("ActivityPartyId", "Activity Party"), lookup("ActivityId", "Activity", activities, "c"),
        lookup("PartyId", "Party", people),
        choice("activityparty", "ParticipationTypeMask", "Participation Type", dict(enumerate(kinds, 1)), "cu!"),
        text("AddressUsed", "Address", 320, format="Email"), boolean("DoNotPhone", "Do not allow Phone Calls", "", table="activityparty"),
        lookup("OwnerId", "Owner", {"systemuser": "ownerid", "team": "ownerid"}, "", kind="Owner"),
        column("VersionNumber", "Version Number", "BigInt", "BigIntType", "Edm.Int64", "", {}),
    ]
    parents = [parent(f"{a}_activity_parties", "activityid", a, "Cascade", nav) for a, nav in activities.items()]
    parents += [parent(f"{t}_activity_parties", "partyid", t, "NoCascade", nav) for t, nav in people.items()]
    return table("activityparty", "ActivityParty", "activityparties", 135, "Activity Party", "Activity Parties", "None",
                 "addressused", columns, parents, privileges("Activity"))


def duplicate_rules():
    columns, parents = standard("duplicaterule", True)
    columns += [
        key("DuplicateRuleId", "Duplicate Detection Rule"), text("Name", "Rule Name", 160, "cu!"),
        memo("Description", "Description"), text("BaseEntityName", "Base Record Type", 128, "c!"),
        text("MatchingEntityName", "Matching Record Type", 128, "c!"),
        boolean("IsCaseSensitive", "Case Sensitive", table="duplicaterule"),
        boolean("ExcludeInactiveRecords", "Exclude Inactive Records", table="duplicaterule"),
        choice("duplicaterule", "StateCode", "Status", {0: ("Inactive", 0), 1: ("Active", 2)}, "u", kind="State"),
        choice("duplicaterule", "StatusCode", "Status Reason",
               {0: ("Unpublished", 0), 1: ("Publishing", 0), 2: ("Published", 1)}, "u", kind="Status"),
    ]
    rule = table("duplicaterule", "DuplicateRule", "duplicaterules", 4414, "Duplicate Detection Rule",
                 "Duplicate Detection Rules", "UserOwned", "name", columns, parents,
                 privileges("DuplicateRule") + ["prvPublishDuplicateRule"])
    columns, parents = standard("duplicaterulecondition")
    operators = ["Exact Match", "Same First Characters", "Same Last Characters", "Same Date", "Same Date and Time",
                 "Exact Match (Pick List Label)", "Exact Match (Pick List Value)"]
    columns += [
        key("DuplicateRuleConditionId", "Duplicate Rule Condition"),
        text("BaseAttributeName", "Base Attribute Name", 128, "cu!"),
        text("MatchingAttributeName", "Matching Attribute Name", 128, "cu!"),
        choice("duplicaterulecondition", "OperatorCode", "Operator Code", dict(enumerate(operators)), "cu!", 0),
        integer("OperatorParam", "Operator Parameter", "cu", 1),
        boolean("IgnoreBlankValues", "Ignore Blank Values", table="duplicaterulecondition"),
        lookup("RegardingObjectId", "Regarding", {"duplicaterule": "regardingobjectid"}, "c!"),
    ]
    parents += [parent("DuplicateRule_DuplicateRuleConditions", "regardingobjectid", "duplicaterule", "Cascade")]
    return [rule, table("duplicaterulecondition", "DuplicateRuleCondition", "duplicateruleconditions", 4416,
                        "Duplicate Rule Condition", "Duplicate Rule Conditions", "None", "baseattributename", columns,
                        parents, privileges("DuplicateRule"))]


def messages():
    """Which messages each table supports: clients ask before they send CreateMultiple and its like."""
    version = column("VersionNumber", "Version Number", "BigInt", "BigIntType", "Edm.Int64", "", {})
    yield table("sdkmessage", "SdkMessage", "sdkmessages", 4606, "Sdk Message", "Sdk Messages", "None", "name", [
        key("SdkMessageId", "SDK Message"), text("Name", "SDK Message Name", 256, "!"), text("CategoryName", "Category Name", 25, ""),
        boolean("IsPrivate", "Is Private", "", table="sdkmessage"), boolean("IsActive", "Is Active", "", True, table="sdkmessage"),
        version], (), ["prvReadSdkMessage"])
    yield table("sdkmessagefilter", "SdkMessageFilter", "sdkmessagefilters", 4607, "Sdk Message Filter", "Sdk Message Filters",
                "None", None, [
        key("SdkMessageFilterId", "SDK Message Filter"), lookup("SdkMessageId", "SDK Message", {"sdkmessage": "sdkmessageid"}, ""),
        text("PrimaryObjectTypeCode", "Primary Object Type Code", 64, ""), text("SecondaryObjectTypeCode", "Secondary Object Type Code", 64, ""),
        integer("Availability", "Availability", ""),
        boolean("IsCustomProcessingStepAllowed", "Custom Processing Step Allowed", "", True, table="sdkmessagefilter"), version],
        [parent("sdkmessageid_sdkmessagefilter", "sdkmessageid", "sdkmessage")], ["prvReadSdkMessage"])


def solutions():
    columns, parents = standard("publisher")
    yield table("publisher", "Publisher", "publishers", 7101, "Publisher", "Publishers", "OrganizationOwned", "friendlyname", columns + [
        key("PublisherId", "Publisher Identifier"), text("UniqueName", "Name", 256, "c!"), text("FriendlyName", "Display Name", 256, "cu!"),
        memo("Description", "Description"), text("CustomizationPrefix", "Prefix", 8, "cu!"), boolean("IsReadonly", "Is Read-Only Publisher", "", table="publisher"),
        integer("CustomizationOptionValuePrefix", "Option Value Prefix", "cu!", 10000, 99999)], parents, privileges("Publisher"))
    columns, parents = standard("solution")
    yield table("solution", "Solution", "solutions", 7100, "Solution", "Solutions", "OrganizationOwned", "friendlyname", columns + [
        key("SolutionId", "Solution Identifier"), text("UniqueName", "Name", 65, "c!"), text("FriendlyName", "Display Name", 256, "cu!"),
        memo("Description", "Description"), text("Version", "Version", 256, "cu!"), boolean("IsManaged", "Package Type", "", table="solution",
        labels=("Unmanaged", "Managed")), boolean("IsVisible", "Is Visible Outside Platform", "", True, table="solution"),
        moment("InstalledOn", "Installed On"), lookup("PublisherId", "Publisher", {"publisher": "publisherid"}, "c!")],
        parents + [parent("publisher_solution", "publisherid", "publisher", "Restrict")], privileges("Solution"))


def tables():
    yield party()
    yield from messages()
    yield from solutions()
    yield from duplicate_rules()
    yield saved("savedquery", "SavedQuery", "savedqueries", 1039, "View", "Views", False)
    yield saved("userquery", "UserQuery", "userqueries", 4230, "Saved View", "Saved Views", True)
    yield intersect("teammembership", "TeamMembership", "teammemberships", 23, "Team Membership", "systemuser", "team")
    yield intersect("systemuserroles", "SystemUserRoles", "systemuserrolescollection", 15, "System User Roles",
                    "systemuser", "role")
    yield table("privilege", "Privilege", "privileges", 1023, "Privilege", "Privileges", "None", "name", [
        key("PrivilegeId", "Privilege"), text("Name", "Name", 100, "!"), integer("AccessRight", "Access Right", ""),
        *[boolean(f"CanBe{depth}", f"Can Be {depth}", "", True, table="privilege") for depth in
          ["Basic", "Local", "Deep", "Global"]],
        column("VersionNumber", "Version Number", "BigInt", "BigIntType", "Edm.Int64", "", {})])
    columns, parents = standard("subject")
    yield table("subject", "Subject", "subjects", 129, "Subject", "Subjects", "OrganizationOwned", "title", columns + [
        key("SubjectId", "Subject"), text("Title", "Title", 500, "cu!"), memo("Description", "Description"),
        lookup("ParentSubject", "Parent Subject", {"subject": "parentsubject"})],
        parents + [parent("subject_parent_subject", "parentsubject", "subject", "Restrict", id_="subjectid")],
        privileges("Subject"))
    columns, parents = standard("sla", True)
    yield table("sla", "SLA", "slas", 9750, "SLA", "SLAs", "UserOwned", "name", columns + [
        key("SLAId", "SLA"), text("Name", "Name", 100, "cu!"), memo("Description", "Description", 100000),
        boolean("IsDefault", "Is Default", table="sla"),
        choice("sla", "StateCode", "Status", {0: ("Draft", 1), 1: ("Active", 2)}, "u", kind="State"),
        choice("sla", "StatusCode", "Status Reason", {1: ("Draft", 0), 2: ("Active", 1)}, kind="Status")],
        parents, privileges("SLA"))
    columns, parents = standard("queue", True)
    yield table("queue", "Queue", "queues", 2020, "Queue", "Queues", "UserOwned", "name", columns + [
        key("QueueId", "Queue"), text("Name", "Name", 200, "cu!"), memo("Description", "Description"),
        text("EMailAddress", "Incoming Email", 100, format="Email"),
        choice("queue", "QueueViewType", "Type", {0: "Public", 1: "Private"}, "cu!", 0),
        choice("queue", "StateCode", "Status", STATES, "u", kind="State"),
        choice("queue", "StatusCode", "Status Reason", STATUSES, kind="Status")],
        parents, privileges("Queue"), IsDuplicateDetectionEnabled=True, ChangeTrackingEnabled=True)
    columns, parents = standard("usersettings")
    yield table("usersettings", "UserSettings", "usersettingscollection", 150, "User Settings", "User Settings",
                "None", None, columns + [
        column("SystemUserId", "User", "Uniqueidentifier", "UniqueidentifierType", "Edm.Guid", "c!", {"IsPrimaryId": True}),
        integer("UILanguageId", "UI Language", "cu", 0), integer("HelpLanguageId", "Help Language", "cu", 0),
        integer("LocaleId", "Locale", "cu", 0), integer("TimeZoneCode", "Time Zone", "cu", -1, 1500),
        integer("PagingLimit", "Paging Limit", "cu", 0), text("DateFormatString", "Date Format String", 255),
        text("TimeFormatString", "Time Format", 255), text("CurrencySymbol", "Currency Symbol", 13)],
        parents, privileges("UserSettings", ["Read", "Write"]), id="systemuserid")


def custom():
    """What this organization added: publisher prefix `new`."""
    columns, parents = standard("new_membership", True)
    membership = table("new_membership", "new_Membership", "new_memberships", 10112, "Membership", "Memberships",
                       "UserOwned", "new_name", columns + [
        key("new_MembershipId", "Membership"), text("new_Name", "Name", 100, "cu", RequiredLevel="ApplicationRequired"),
        lookup("new_ContactId", "Contact", {"contact": "new_ContactId"}),
        choice("new_membership", "new_Tier", "Tier", {}, of="new_tier"),
        moment("new_StartsOn", "Starts On", "cu", "DateOnly", "DateOnly"),
        moment("new_EndsOn", "Ends On", "cu", "DateOnly", "DateOnly"),
        column("new_Discount", "Discount (%)", "Decimal", "DecimalType", "Edm.Decimal", "cu",
               {"MinValue": 0, "MaxValue": 100, "Precision": 2}),
        boolean("new_RenewsItself", "Renews Itself", default=True, table="new_membership"),
        integer("new_Visits", "Visits", low=0),
        choice("new_membership", "StateCode", "Status", STATES, "u!", kind="State"),
        choice("new_membership", "StatusCode", "Status Reason", STATUSES, kind="Status")],
        parents + [parent("new_contact_new_membership", "new_contactid", "contact", "RemoveLink", "new_ContactId", "contactid")],
        privileges("new_Membership"), IsCustomEntity=True, ChangeTrackingEnabled=True,
        IsOptimisticConcurrencyEnabled=True, HasNotes=False, IsDuplicateDetectionEnabled=True)
    interests = {100000000: "Hiking", 100000001: "Cycling", 100000002: "Climbing", 100000003: "Winter sports", 100000004: "Water sports"}
    additions = [
        {"LogicalName": "contact", "Attributes": [
            text("new_LoyaltyNumber", "Loyalty Number", 20),
            choice("contact", "new_Tier", "Tier", {}, of="new_tier"),
            {**choice("contact", "new_Interests", "Interests", interests, kind="Picklist"), "AttributeType": "Virtual",
             "AttributeTypeName": "MultiSelectPicklistType", "EdmType": "Edm.String"},
            lookup("new_PreferredAgentId", "Preferred Agent", {"systemuser": "new_PreferredAgentId"}),
            column("new_Discount", "Discount (%)", "Decimal", "DecimalType", "Edm.Decimal", "cu",
                   {"MinValue": 0, "MaxValue": 100, "Precision": 2}),
            moment("new_CustomerSince", "Customer Since", "cu", "DateOnly", "DateOnly")],
         "ManyToOneRelationships": [
            parent("new_systemuser_contact_PreferredAgent", "new_preferredagentid", "systemuser", "RemoveLink", "new_PreferredAgentId", "systemuserid")],
         "AlternateKeys": [{"LogicalName": "new_loyaltynumber_key", "SchemaName": "new_LoyaltyNumber_Key",
                            "DisplayName": "Loyalty Number", "KeyAttributes": ["new_loyaltynumber"]}]},
        {"LogicalName": "account", "Attributes": [], "ManyToOneRelationships": [],
         "AlternateKeys": [{"LogicalName": "new_accountnumber_key", "SchemaName": "new_AccountNumber_Key",
                            "DisplayName": "Account Number", "KeyAttributes": ["accountnumber"]}]},
    ]
    sets = [{"Name": "new_tier", "DisplayName": "Tier", "IsCustomOptionSet": True, "OptionSetType": "Picklist",
             "Options": [{"Value": 100000000 + n, "Label": label, "Color": color} for n, (label, color) in
                         enumerate([("Bronze", "#A97142"), ("Silver", "#C0C0C0"), ("Gold", "#FFD700"), ("Platinum", "#E5E4E2")])]}]
    return {"Tables": [membership], "Additions": additions, "OptionSets": sets}


def write(name, value, depth=2):
    """One line for each member of a list, so that a change shows as the lines it touches."""
    def lay(item, level):
        pad = " " * level
        if isinstance(item, dict) and level < depth and any(isinstance(v, list) for v in item.values()):
            return "{\n" + ",\n".join(f"{pad} {json.dumps(k)}: {lay(v, level + 1)}" for k, v in item.items()) + f"\n{pad}}}"
        if isinstance(item, list) and item and isinstance(item[0], dict):
            return "[\n" + ",\n".join(f"{pad} {lay(v, level + 1)}" for v in item) + "]"
        return json.dumps(item, ensure_ascii=False)
    (HERE / name).write_text(lay(value, 0) + "\n")


for described in tables():
    write(f"{described['LogicalName']}.json", described)
write("custom.json", custom(), 4)
