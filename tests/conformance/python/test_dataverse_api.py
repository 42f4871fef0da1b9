"""dataverse-api, unmodified, against the practice organization."""

import unittest

from dataverse_api import DataverseClient
from dataverse_api.errors import DataverseAPIError
from dataverse_api.metadata.attributes import IntegerAttributeMetadata, StringAttributeMetadata
from dataverse_api.metadata.entity import EntityMetadata
from dataverse_api.metadata.enums import OwnershipType
from dataverse_api.metadata.helpers import Publisher
from dataverse_api.utils.labels import define_label

from practice import Practice

FORMATTED = "@OData.Community.Display.V1.FormattedValue"


class DataverseApiTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.practice = Practice()
        cls.addClassCleanup(cls.practice.stop)
        session = cls.practice.session()
        cls.addClassCleanup(session.close)
        cls.client = DataverseClient(session, f"{cls.practice.url}/")
        cls.contacts = cls.client.entity("contact")
        cls.accounts = cls.client.entity("account")

    def statuses(self, responses):
        return [response.status_code for response in responses]

    def names(self, filter, **options):
        return [row["lastname"] for row in self.contacts.read(filter=filter, order_by="lastname", **options)]

    def test_what_the_library_asks_a_table_first(self):
        self.assertEqual(self.contacts.entity_set_name, "contacts")
        self.assertEqual(self.contacts.primary_id_attr, "contactid")
        self.assertEqual(self.accounts.alternate_keys, {"new_AccountNumber_Key": ["accountnumber"]})
        # From the messages of the table.
        self.assertTrue(self.contacts.supports_create_multiple and self.contacts.supports_update_multiple)
        users = self.client.entity("systemuser")
        self.assertFalse(users.supports_create_multiple)
        self.assertTrue(self.contacts.relationships.single_valued)
        self.assertTrue(self.accounts.relationships.collection_valued)

    def test_rows_are_created_one_by_one_in_batches_and_at_once(self):
        rows = [{"lastname": f"Single {number}"} for number in range(2)]
        self.assertEqual(self.statuses(self.contacts.create(rows)), [204, 204])
        rows = [{"lastname": f"Batched {number}"} for number in range(5)]
        self.assertEqual(self.statuses(self.contacts.create(rows, mode="batch", batch_size=3)), [200, 200])
        self.assertEqual(len(self.names("startswith(lastname,'Batched')")), 5)
        rows = [{"lastname": f"At once {number}"} for number in range(5)]
        (answer,) = self.contacts.create(rows, mode="multiple")
        self.assertEqual(len(answer.json()["Ids"]), 5)
        (answer,) = self.contacts.create([{"lastname": "Returned"}], return_created=True)
        self.assertEqual((answer.status_code, answer.json()["lastname"]), (201, "Returned"))

    def test_pages_with_formatted_values(self):
        self.contacts.create([{"lastname": f"Page {number}"} for number in range(5)], mode="multiple")
        rows = self.contacts.read(
            select=["lastname", "statecode"],
            filter="startswith(lastname,'Page')",
            page_size=2,
            return_formatted_values=True,
        )
        self.assertEqual(len(rows), 5)
        self.assertEqual({row[f"statecode{FORMATTED}"] for row in rows}, {"Active"})

    def test_upsert_by_alternate_key(self):
        key = {"altkey_name": "new_AccountNumber_Key"}
        self.accounts.upsert([{"accountnumber": "U 1", "name": "One"}], **key)
        rows = [{"accountnumber": f"U-{number}", "name": f"{number}"} for number in range(3)]
        for _ in range(2):
            self.assertEqual(self.statuses(self.accounts.upsert(rows, mode="batch", **key)), [200])
        self.assertEqual(len(self.accounts.read(filter="startswith(accountnumber,'U')")), 4)

    def test_columns_and_rows_are_deleted(self):
        rows = [{"lastname": "Deleted", "jobtitle": "Engineer"} for _ in range(4)]
        (answer,) = self.contacts.create(rows, mode="multiple")
        ids = answer.json()["Ids"]
        self.assertEqual(self.statuses(self.contacts.delete_columns(["jobtitle"], ids=ids[:2])), [204, 204])
        self.contacts.delete_columns(["jobtitle"], mode="batch", ids=ids[2:])
        self.assertEqual(len(self.contacts.read(filter="lastname eq 'Deleted' and jobtitle eq null")), 4)
        self.assertEqual(self.statuses(self.contacts.delete(ids=ids[:2])), [204, 204])
        self.assertEqual(self.statuses(self.contacts.delete(mode="batch", ids=ids[2:])), [200])
        self.assertEqual(self.names("lastname eq 'Deleted'"), [])

    def test_a_table_is_made_filled_and_deleted(self):
        name = StringAttributeMetadata(
            schema_name="new_Name",
            display_name=define_label("Name"),
            description=define_label("What it is called"),
            is_primary_name=True,
            max_length=100,
        )
        table = EntityMetadata(
            schema_name="new_Gadget",
            display_name=define_label("Gadget"),
            display_collection_name=define_label("Gadgets"),
            description=define_label("A thing"),
            attributes=[name],
            ownership_type=OwnershipType.USER_OWNED,
            is_activity=False,
            has_activities=False,
            has_notes=False,
        )
        self.assertEqual(self.client.create_entity(table).status_code, 204)
        gadgets = self.client.entity("new_gadget")
        self.assertTrue(gadgets.supports_create_multiple)
        size = IntegerAttributeMetadata(
            schema_name="new_Size",
            display_name=define_label("Size"),
            description=define_label("In centimetres"),
            min_value=0,
            max_value=100,
        )
        self.assertEqual(gadgets.add_attribute(size).status_code, 204)
        gadgets.create([{"new_name": "Lever", "new_size": 7}], mode="multiple")
        self.assertEqual([row["new_size"] for row in gadgets.read(select=["new_size"])], [7])
        self.assertEqual(self.client.delete_entity("new_gadget").status_code, 204)

    def test_definitions_languages_and_publishers(self):
        self.assertIn(1033, self.client.get_language_codes())
        self.assertEqual(self.client.get_entity_definition("contact").schema_name, "Contact")
        membership = self.client.get_entity_definition("new_membership")
        self.assertEqual(self.client.update_entity(membership).status_code, 204)
        relationship = self.client.get_relationship_definition("contact_customer_accounts")
        self.assertEqual(relationship.schema_name, "contact_customer_accounts")
        publisher = Publisher("Acme", "acme", "Makes everything", "acm", 12345)
        self.assertEqual(self.client.create_publisher(publisher).status_code, 204)

    def test_an_error_is_told_in_the_servers_words(self):
        with self.assertRaisesRegex(DataverseAPIError, "Could not find a property named 'nowhere'"):
            self.contacts.read(select=["nowhere"])


if __name__ == "__main__":
    unittest.main()
