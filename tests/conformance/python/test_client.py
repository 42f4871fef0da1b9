"""PowerPlatform-Dataverse-Client, unmodified, against the practice organization."""

import re
import unittest
import uuid

from azure.identity import ClientSecretCredential
from PowerPlatform.Dataverse import col
from PowerPlatform.Dataverse.client import DataverseClient
from PowerPlatform.Dataverse.core.errors import HttpError, MetadataError
from PowerPlatform.Dataverse.models.query_builder import ExpandOption
from PowerPlatform.Dataverse.models.upsert import UpsertItem

from practice import Practice

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
FORMATTED = "@OData.Community.Display.V1.FormattedValue"


class ClientTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.practice = Practice()
        cls.addClassCleanup(cls.practice.stop)
        cls.client = cls.practice.client()
        cls.addClassCleanup(cls.client.close)

    def contact(self, **data):
        return self.client.records.create("contact", data)

    def contacts(self, filter, **options):
        rows = self.client.records.list(
            "contact", filter=filter, select=["lastname"], orderby=["lastname asc"], **options
        )
        return [row["lastname"] for row in rows]

    def test_the_token_is_asked_for_the_organization(self):
        client = self.practice.client(guide=True)
        self.assertEqual(len(client.records.list("contact", select=["fullname"], filter="lastname eq 'nobody'")), 0)
        self.assertEqual(client.auth.credential.scopes[0], (f"{self.practice.url}/.default",))

    def test_azure_identity_signs_in(self):
        description = self.practice.description
        credential = ClientSecretCredential(
            description["tenant_id"],
            description["client_id"],
            description["client_secret"],
            authority=description["authority_url"],
            disable_instance_discovery=True,
        )
        with DataverseClient(self.practice.url, credential) as client:
            self.assertEqual(len(client.records.list("account", select=["name"], filter="name eq 'nobody'")), 0)

    def test_one_record(self):
        key = self.contact(
            LastName="Müller & 山田's", emailaddress1="m@example.com", gendercode="Female", creditlimit=12.5
        )
        self.assertRegex(key, UUID)
        record = self.client.records.retrieve(
            "contact",
            key,
            select=["fullname", "gendercode", "creditlimit", "mobilephone"],
            include_annotations="*",
        )
        self.assertEqual(record["fullname"], "Müller & 山田's")
        self.assertEqual(record["gendercode"], 2, "the label was resolved by metadata")
        self.assertEqual(record["gendercode" + FORMATTED], "Female")
        self.assertEqual(record["creditlimit"], 12.5)
        self.assertIsNone(record["mobilephone"])
        self.assertRegex(record.etag, r'^W/"\d+"$')
        self.client.records.update("contact", key, {"jobtitle": "Buyer", "emailaddress1": None})
        changed = self.client.records.retrieve("contact", key, select=["jobtitle", "emailaddress1"])
        self.assertEqual((changed["jobtitle"], changed["emailaddress1"]), ("Buyer", None))
        self.client.records.delete("contact", key)
        self.assertIsNone(self.client.records.retrieve("contact", key))

    def test_many_records(self):
        keys = self.client.records.create("contact", [{"lastname": f"Many {n}"} for n in range(4)])
        self.assertEqual(len(set(keys)), 4)
        self.client.records.update("contact", keys[:2], {"jobtitle": "Broad"})
        self.client.records.update("contact", keys[2:], [{"jobtitle": "Own 2"}, {"jobtitle": "Own 3"}])
        titles = [self.client.records.retrieve("contact", key, select=["jobtitle"])["jobtitle"] for key in keys]
        self.assertEqual(titles, ["Broad", "Broad", "Own 2", "Own 3"])
        self.client.records.delete("contact", keys[:2], use_bulk_delete=False)
        self.assertEqual(self.contacts("startswith(lastname,'Many')"), ["Many 2", "Many 3"])
        with self.assertRaises(HttpError) as raised:
            self.client.records.create("contact", [{"lastname": "Half"}, {"lastname": "x" * 200}])
        self.assertEqual(raised.exception.status_code, 400)
        self.assertEqual(self.contacts("lastname eq 'Half'"), [], "all or none")

    def test_bulk_delete(self):
        keys = self.client.records.create("contact", [{"lastname": f"Bulk {n}"} for n in range(3)])
        job = self.client.records.delete("contact", keys)
        self.assertRegex(job, UUID)
        # It runs by itself; the practice organization has done it when it answers.
        self.assertEqual(self.contacts("startswith(lastname,'Bulk')"), [])

    def test_lists_pages_and_counts(self):
        self.client.records.create("contact", [{"lastname": f"Page {n}", "numberofchildren": n} for n in range(7)])
        filter = "startswith(lastname,'Page')"
        self.assertEqual(self.contacts(filter, page_size=2), [f"Page {n}" for n in range(7)])
        pages = self.client.records.list_pages(
            "contact", filter=filter, select=["lastname"], orderby=["lastname asc"], page_size=3, count=True
        )
        self.assertEqual([len(page) for page in pages], [3, 3, 1])
        self.assertEqual(self.contacts(filter, top=2), ["Page 0", "Page 1"])
        self.assertEqual(self.contacts((col("numberofchildren") > 4) & col("lastname").startswith("Page")), ["Page 5", "Page 6"])

    def test_the_query_builder(self):
        account = self.client.records.create("account", {"name": "O'Neil & Co"})
        for number in range(4):
            self.contact(
                lastname=f"Built {number}",
                numberofchildren=number,
                **{"parentcustomerid_account@odata.bind": f"/accounts({account})"},
            )
        rows = (
            self.client.query.builder("contact")
            .select("lastname", "numberofchildren", "statecode")
            .where(col("lastname").in_(["Built 1", "Built 2", "Built 3", "O'Neil"]))
            .where(col("numberofchildren").between(2, 9) | ~(col("emailaddress1").is_null()))
            .order_by("numberofchildren", descending=True)
            .expand(ExpandOption("parentcustomerid_account").select("name"))
            .include_formatted_values()
            .top(5)
            .execute()
        )
        self.assertEqual([row["lastname"] for row in rows], ["Built 3", "Built 2"])
        first = rows.first()
        self.assertEqual(first["parentcustomerid_account"]["name"], "O'Neil & Co")
        self.assertEqual(first["statecode" + FORMATTED], "Active")
        like = self.client.query.builder("contact").select("lastname").where(col("lastname").like("Built%")).page_size(3)
        self.assertEqual([len(page) for page in like.execute_pages()], [3, 1])
        frame = like.to_dataframe()
        self.assertEqual(sorted(frame["lastname"]), [f"Built {n}" for n in range(4)])
        negated = self.client.query.builder("contact").select("lastname")
        negated = negated.where(col("lastname").not_in(["Built 0"]) & col("lastname").startswith("Built"))
        self.assertEqual(len(negated.execute()), 3)

    def test_sql(self):
        account = self.client.records.create("account", {"name": "Sequel Ltd"})
        for number in range(3):
            self.contact(
                lastname=f"Sql {number}", **{"parentcustomerid_account@odata.bind": f"/accounts({account})"}
            )
        rows = self.client.query.sql("SELECT TOP 2 lastname FROM contact WHERE lastname LIKE 'Sql%' ORDER BY lastname DESC")
        self.assertEqual([row["lastname"] for row in rows], ["Sql 2", "Sql 1"])
        joined = self.client.query.sql(
            "SELECT a.name, COUNT(c.contactid) as cnt FROM account a "
            "JOIN contact c ON a.accountid = c.parentcustomerid "
            "WHERE a.name = 'Sequel Ltd' GROUP BY a.name"
        )
        self.assertEqual([(row["name"], row["cnt"]) for row in joined], [("Sequel Ltd", 3)])

    def test_fetchxml(self):
        account = self.client.records.create("account", {"name": "Fetch & Sons"})
        for number in range(5):
            self.contact(
                lastname=f"Fetch {number}", **{"parentcustomerid_account@odata.bind": f"/accounts({account})"}
            )
        query = self.client.query.fetchxml(
            """
            <fetch count="2">
              <entity name="contact">
                <attribute name="lastname" />
                <order attribute="lastname" />
                <filter><condition attribute="lastname" operator="begins-with" value="Fetch" /></filter>
                <link-entity name="account" from="accountid" to="parentcustomerid" alias="a">
                  <attribute name="name" />
                </link-entity>
              </entity>
            </fetch>
            """
        )
        rows = query.execute()
        self.assertEqual([row["lastname"] for row in rows], [f"Fetch {n}" for n in range(5)])
        self.assertEqual(rows.first()["a.name"], "Fetch & Sons")
        self.assertEqual([len(page) for page in query.execute_pages()], [2, 2, 1])

    def test_tables(self):
        table = self.client.tables.get("contact")
        self.assertEqual(table.logical_name, "contact")
        self.assertEqual(table.entity_set_name, "contacts")
        self.assertEqual(table.schema_name, "Contact")
        self.assertIsNone(self.client.tables.get("contactz"))
        names = [table["LogicalName"] for table in self.client.tables.list(select=["LogicalName"])]
        self.assertLessEqual({"account", "contact", "incident", "lead", "task"}, set(names))
        columns = self.client.tables.list_columns("contact", select=["LogicalName", "AttributeType"])
        types = {column["LogicalName"]: column["AttributeType"] for column in columns}
        self.assertEqual(types["gendercode"], "Picklist")
        self.assertEqual(types["parentcustomerid"], "Customer")
        column = self.client.tables.get_column("contact", "emailaddress1")
        self.assertEqual(column["SchemaName"], "EMailAddress1")
        self.assertIsNone(self.client.tables.get_column("contact", "nosuchcolumn"))
        relations = self.client.tables.list_table_relationships("contact")
        names = {relation["SchemaName"] for relation in relations}
        self.assertIn("contact_customer_accounts", names)
        self.assertTrue(self.client.tables.list_relationships(filter="SchemaName eq 'contact_customer_accounts'"))
        relation = self.client.tables.get_relationship("contact_customer_accounts")
        self.assertEqual(relation.referenced_entity, "account")
        self.assertEqual(self.client.query.odata_expand("contact", "account"), "parentcustomerid_account")

    def test_keys_and_upsert(self):
        own = lambda: [
            key for key in self.client.tables.get_alternate_keys("contact") if key.key_attributes == ["emailaddress1"]
        ]
        self.assertEqual(own(), [])
        key = self.client.tables.create_alternate_key("contact", "new_email_key", ["emailaddress1"])
        self.assertRegex(key.metadata_id, UUID)
        [declared] = own()
        self.assertEqual((declared.key_attributes, declared.status), (["emailaddress1"], "Active"))
        item = lambda email, **record: UpsertItem(alternate_key={"emailaddress1": email}, record=record)
        self.client.records.upsert("contact", [item("o'b@x.com", lastname="Upsert 1")])
        self.client.records.upsert("contact", [item("o'b@x.com", lastname="Upsert 2")])
        self.assertEqual(self.contacts("emailaddress1 eq 'o''b@x.com'"), ["Upsert 2"])
        self.client.records.upsert(
            "contact", [item("o'b@x.com", lastname="Upsert 3"), item("new@x.com", lastname="Upsert 4")]
        )
        self.assertEqual(self.contacts("startswith(lastname,'Upsert')"), ["Upsert 3", "Upsert 4"])
        self.client.tables.delete_alternate_key("contact", declared.metadata_id)
        self.assertEqual(own(), [])

    def test_batch(self):
        account = self.client.records.create("account", {"name": "Batch Ltd"})
        batch = self.client.batch.new()
        batch.records.create("contact", {"lastname": "Batch alone"})
        batch.tables.get("account")
        batch.records.list("account", filter="name eq 'Batch Ltd'", select=["name"])
        with batch.changeset() as changes:
            person = changes.records.create("contact", {"lastname": "Batch person"})
            changes.records.update("account", account, {"primarycontactid@odata.bind": person})
            changes.records.update("contact", person, {"jobtitle": "Member"})
        with batch.changeset() as changes:
            changes.records.create("contact", {"lastname": "Batch second"})
        batch.records.retrieve("account", account, select=["name"])
        result = batch.execute()
        self.assertFalse(result.has_errors, result.failed)
        self.assertEqual([item.status_code for item in result.responses], [204, 200, 200, 204, 204, 204, 204, 200])
        created = [item for item in result.responses if item.content_id]
        self.assertEqual(len({item.content_id for item in created}), 4)
        bound = self.client.records.retrieve("account", account, select=["_primarycontactid_value"])
        self.assertEqual(bound["_primarycontactid_value"], created[0].entity_id)
        self.assertEqual(self.contacts("jobtitle eq 'Member'"), ["Batch person"])

    def test_a_batch_that_fails(self):
        for continue_on_error, last in ((False, []), (True, ["Fail last"])):
            batch = self.client.batch.new()
            with batch.changeset() as changes:
                changes.records.create("contact", {"lastname": "Fail together"})
                changes.records.create("contact", {"lastname": "x" * 200})
            batch.records.create("contact", {"lastname": "Fail last"})
            result = batch.execute(continue_on_error=continue_on_error)
            [failed] = result.failed
            self.assertEqual(failed.status_code, 400)
            self.assertEqual(failed.error_code, "0x80044331")
            self.assertIn("exceeded the maximum allowed length", failed.error_message)
            self.assertEqual(self.contacts("startswith(lastname,'Fail')"), last)

    def test_a_column_is_added(self):
        self.client.tables.add_columns("contact", {"new_Rank": "int"})
        key = self.contact(lastname="Ranked", new_rank=7)
        self.assertEqual(self.client.records.retrieve("contact", key, select=["new_rank"])["new_rank"], 7)
        self.client.tables.remove_columns("contact", ["new_Rank"])
        self.assertIsNone(self.client.tables.get_column("contact", "new_rank"))

    def test_errors(self):
        with self.assertRaises(HttpError) as raised:
            self.client.records.update("contact", str(uuid.uuid4()), {"lastname": "Nobody"})
        error = raised.exception
        self.assertEqual(error.status_code, 404)
        self.assertEqual(error.details["service_error_code"], "0x80040217")
        self.assertRegex(error.details["service_request_id"], UUID)
        self.assertFalse(error.is_transient)
        with self.assertRaises(HttpError) as raised:
            self.contacts("nosuchcolumn eq 1")
        self.assertEqual(raised.exception.status_code, 400)
        self.assertIn("nosuchcolumn", str(raised.exception))
        with self.assertRaises(MetadataError):
            self.client.records.list("nosuchtable", select=["name"])
        key = self.contact(lastname="Kept")
        with self.assertRaises(HttpError) as raised:
            self.practice.client(guide=True).records.delete("contact", key)
        self.assertEqual(raised.exception.status_code, 403)
        self.assertIn("prvDeleteContact", str(raised.exception))


if __name__ == "__main__":
    unittest.main()
