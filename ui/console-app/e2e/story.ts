/** The agent's REST key: whatever a console says, this never goes anywhere. */
export const SECRET = "b2c5-never-forward-this-key";

const ROBIN = {
  id: "0d5c7e69-f214-4a83-9b7e-c8f1a2d3b455",
  name: "Robin",
  email: "robin@example.com",
};

/** The agent as each console describes them. */
export const AGENT = {
  present: {
    ...ROBIN,
    status: "online",
    permissions: [{ id: 201, description: "<p>x</p>" }],
    apiKey: SECRET,
  },
  "old-name": { ...ROBIN, apikey: SECRET },
  legacy: { id: 7, name: "Robin", email: "robin@example.com", apikey: SECRET, chats: 1 },
};

export const DANA = "3f8e2d17-5a64-4b0c-9d2e-71c4a8b6e022";
export const OLE = "52b7c1d0-88aa-4f1e-a0c5-0d9e3f6b7a11";

export const CHATS: Record<string, unknown>[] = [
  {
    id: DANA,
    visitorId: "7c1f3a52-9e0b-4d4e-8a66-2b1d5f0c9a11",
    status: "chatting",
    name: "Dana Vermeer",
    email: "dana.vermeer@example.com",
    company: "Northwind Traders",
    phone: "+31 30 555 0142",
    department: "Support",
    fields: [{ name: "Account Number", value: "AC-20417" }],
    agents: ["Robin"],
    requestTime: 1721224925,
    messages: [
      {
        sender: "Dana Vermeer",
        senderType: "visitor",
        time: 1721224960,
        content: "My invoice is <b>wrong</b>.",
      },
    ],
  },
  {
    id: OLE,
    visitorId: "19d3c5e7-1111-4222-8333-944455566677",
    status: "chatting",
    name: '<img src=x onerror="alert(1)"> Ole Nordmann & Sønner',
    email: "ole@example.no",
    phone: "",
    company: "",
    fields: [],
    messages: [],
  },
];

export const VISITORS: Record<string, unknown>[] = [
  {
    id: "7c1f3a52-9e0b-4d4e-8a66-2b1d5f0c9a11",
    name: "Dana Vermeer",
    email: "dana.vermeer@example.com",
    status: "chatting",
    ssoId: null,
  },
  {
    id: "19d3c5e7-1111-4222-8333-944455566677",
    name: "Ole",
    email: "ole@example.no",
    status: "chatting",
  },
];
