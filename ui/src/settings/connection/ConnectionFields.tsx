import {
  Accordion,
  AccordionHeader,
  AccordionItem,
  AccordionPanel,
} from "@fluentui/react-components";
import { useSettings } from "../settings";
import { RadioSetting, TextSetting } from "../parts/Setting";
import { settingsTexts } from "../texts";
import { Secrets } from "./Secrets";

const texts = settingsTexts.connection;

/** The connection details of the guide's Step 3a. */
export function ConnectionFields({ kind }: { kind: "cloud" | "on-premises" }) {
  const { draft } = useSettings();
  const { connection } = draft.document;
  const cloud = kind === "cloud";
  const bySecret = connection.sign_in === "secret";
  return (
    <>
      {(cloud || !bySecret) && (
        <RadioSetting
          at="connection.sign_in"
          label={texts.signIn}
          options={Object.entries(texts.signInKind)}
          {...(bySecret ? {} : { hint: texts.signInLater })}
        />
      )}
      <TextSetting
        at="connection.organization_url"
        label={texts.organizationUrl}
        hint={texts.organizationUrlHint[kind]}
        type="url"
        required
      />
      {!cloud && (
        <TextSetting
          at="connection.login_email"
          label={texts.loginEmail}
          hint={texts.loginHint}
          required
        />
      )}
      <TextSetting at="connection.client_id" label={texts.clientId} required />
      {cloud && (
        <TextSetting
          at="connection.tenant_id"
          label={texts.tenantId}
          required={bySecret}
          {...(bySecret ? {} : { hint: texts.tenantHint })}
        />
      )}
      {!cloud && (
        <TextSetting
          at="connection.authority_url"
          label={texts.authorityUrl}
          hint={texts.authorityHint[kind]}
          type="url"
          required
        />
      )}
      <Secrets />
      <Accordion
        collapsible
        defaultOpenItems={connection.ca_file || (cloud && connection.authority_url) ? ["more"] : []}
      >
        <AccordionItem value="more">
          <AccordionHeader as="h3">{texts.more}</AccordionHeader>
          <AccordionPanel>
            {cloud && (
              <TextSetting
                at="connection.authority_url"
                label={texts.authorityUrl}
                hint={texts.authorityHint[kind]}
                type="url"
              />
            )}
            <TextSetting at="connection.ca_file" label={texts.caFile} hint={texts.caHint} />
          </AccordionPanel>
        </AccordionItem>
      </Accordion>
    </>
  );
}
