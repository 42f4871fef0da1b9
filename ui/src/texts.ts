// Every string that the page shows or speaks. Numbers and times arrive formatted for the agent's locale.
import type {
  CopiedTable,
  EntryState,
  LocalData,
  RecordTable,
  Recovered,
  Table,
  Traces,
  Wiped,
  Written,
} from "./backend/types";
import type { Span } from "./time";

const integers = new Intl.NumberFormat();

function counted(count: number, one: string, many: string): string {
  return `${integers.format(count)} ${count === 1 ? one : many}`;
}

function long(span: Exclude<Span, { unit: "moment" }>): string {
  return counted(span.count, span.unit, `${span.unit}s`);
}

function short(span: Exclude<Span, { unit: "moment" }>): string {
  const units = { second: "s", minute: "min", hour: "h", day: "d" };
  return `${integers.format(span.count)} ${units[span.unit]}`;
}

const tableNames: Record<Table, string> = { contact: "Contact", account: "Account", lead: "Lead" };
const inSentence: Record<Table, string> = { contact: "contact", account: "account", lead: "lead" };
const article: Record<Table, string> = {
  contact: "a contact",
  account: "an account",
  lead: "a lead",
};

const copiedTables: Record<CopiedTable, string> = {
  contact: "Contacts",
  account: "Accounts",
  lead: "Leads",
  case: "Cases",
};

const percents = new Intl.NumberFormat(undefined, { style: "percent" });
const sizes = new Intl.NumberFormat(undefined, { style: "unit", unit: "kilobyte" });

const recordNames: Record<RecordTable, string> = {
  contact: "Contact",
  lead: "Lead",
  case: "Case",
  task: "Task",
};

const kinds: Record<string, string> = {
  case: "Case",
  note: "Note",
  task: "Task",
  phonecall: "Phone call",
  email: "E-mail",
  appointment: "Appointment",
};

export const texts = {
  settings: {
    title: "Settings",
  },
  product: "Dynamics Companion",
  emptyValue: "–",
  emptyValueSpoken: "no value",
  yes: "Yes",
  no: "No",
  dismiss: "Dismiss",
  close: "Close",
  cancel: "Cancel",
  tryAgain: "Try again",
  refresh: "Refresh (F5)",
  refreshing: "Asking Dynamics…",
  starting: "Starting…",
  showAll: "Show all",
  showLess: "Show less",
  copy: (what: string) => `Copy ${what}`,
  copied: "Copied",
  copyFailed: "Could not be copied. Select the text and press Ctrl+C.",

  table: (table: Table) => tableNames[table],

  connection: {
    practice: "Practice",
    online: "Online",
    offline: "Offline",
    "signed-out": "Signed out",
    connecting: "Connecting",
    failed: "Problem",
    label: (state: string, host: string) => `Dynamics connection: ${state}, ${host}`,
    signedInAs: (name: string) => `Signed in as ${name}`,
    noOrganization: "no organization",
    signOut: "Sign out of Dynamics",
  },

  visitor: {
    none: "No chat selected",
    nameless: "Visitor without a name",
    email: "E-mail",
    phone: "Phone",
    company: "Company",
    department: "Department",
    location: "Location",
    page: "Page",
    chat: "Chat",
    live: "Live",
    ended: "Ended",
    started: (time: string) => `Chat started ${time}`,
    justStarted: "just started",
    lasting: (span: Span) => (span.unit === "moment" ? "just started" : short(span)),
  },

  age: {
    live: (span: Span) =>
      span.unit === "moment" ? "from Dynamics, just now" : `from Dynamics, ${long(span)} ago`,
    cache: (span: Span) =>
      span.unit === "moment"
        ? "from the cache, less than a minute old"
        : `from the cache, ${long(span)} old`,
    ofField: (span: Span) => (span.unit === "moment" ? "just now" : `${long(span)} old`),
    readAt: (time: string) => `Read from Dynamics ${time}`,
  },

  card: {
    open: "Open in Dynamics",
    openRecord: (name: string) => `Open ${name} in Dynamics`,
    inactive: "Inactive",
    chosen: "Chosen by you",
    nameless: "Record without a name",
    loading: (table: Table) => `Looking for ${article[table]}…`,
    checking: "Checking in Dynamics…",
    noFields: "No display fields are configured for this table.",
    more: (count: number) => `${integers.format(count)} more`,
    moreSpoken: (count: number, table: Table) =>
      `${counted(count, "more", "more")} that could be this visitor's ${inSentence[table]}`,
    showThis: "Show this one",
    showThisSpoken: (name: string) => `Show this one: ${name}`,
    none: {
      contact: "No contact found",
      account: "No account found",
      lead: "No lead found",
    } satisfies Record<Table, string>,
    noneMatches: (table: Table, known: string) =>
      known === ""
        ? `No ${inSentence[table]} in Dynamics matches this visitor.`
        : `No ${inSentence[table]} in Dynamics matches ${known}.`,
    failed: {
      contact: "The contact could not be looked up.",
      account: "The account could not be looked up.",
      lead: "The lead could not be looked up.",
    } satisfies Record<Table, string>,
    unconfirmed: "Dynamics did not confirm this.",
    and: (first: string, second: string) => `${first} or ${second}`,
    contactWithoutAccount: "The contact belongs to no account, and no account matches by itself.",
  },

  idle: {
    title: "Ready for the next chat",
    practice:
      "Pick a sample visitor in the practice console below to see who they are in Dynamics.",
    unpairedTitle: "Pair the Agent Console",
    unpaired:
      "The companion shows the visitor of the chat that you select in the Agent Console. Pair it once, and they find each other by themselves from then on.",
    disconnectedTitle: "Waiting for the Agent Console",
    disconnected: "Open the Agent Console and sign in. The companion connects by itself.",
    select: "Select a chat in the Agent Console. The visitor appears here at once.",
    copying: (table: CopiedTable, share: number | null) => {
      const copying = `Copying ${copiedTables[table].toLowerCase()} for offline use`;
      return share === null ? `${copying}…` : `${copying}: ${percents.format(share)}`;
    },
  },

  unidentifiable: {
    title: "This visitor cannot be looked up yet",
    message: "The chat gives no e-mail address, phone number or other detail to search by.",
    nextStep:
      "Ask for an e-mail address in the chat. The companion looks again as soon as it is known.",
  },

  notice: {
    offline: "Dynamics cannot be reached.",
    showingKnown: (span: Span) =>
      span.unit === "moment"
        ? "Showing what was known a moment ago."
        : `Showing what was known ${long(span)} ago.`,
    nothingKnown: "Nothing is known about this visitor yet.",
    signedOut: "You are signed out of Dynamics.",
    signIn: "Sign in",
    signingIn: "Sign in in the browser that has just opened.",
    signingInElsewhere: "Sign in on any device.",
    deviceCode: (page: string, code: string) => `Open ${page} and type the code ${code}.`,
    cancelSignIn: "Cancel",
    sessionOnly: "You stay signed in until the companion is closed.",
    failed: "Dynamics could not be asked.",
    connectionFailed: "The connection to Dynamics does not work.",
    retryIn: (time: string) => `Trying again in ${time}.`,
    code: "Code",
    requestId: "Request id",
    requestIdCopy: "request id",
  },

  console: {
    title: "Agent Console",
    connected: "Connected",
    notConnected: "Not connected",
    button: (connected: boolean) =>
      connected ? "Agent Console: connected" : "Agent Console: not connected",
    address: "Address of the companion",
    addressCopy: "address",
    paired: "Paired consoles",
    nonePaired: "No console is paired yet.",
    pair: "Pair the Agent Console",
    pairAnother: "Pair another console",
    nameless: "Console without a name",
    here: "Connected now",
    lastSeen: (time: string) => `Last seen ${time}`,
    pairedAt: (time: string) => `Paired ${time}`,
    revoke: "Revoke",
    revokeSpoken: (name: string) => `Revoke ${name}`,
    confirm: (name: string) => `Revoke ${name}? It must be paired again before it can connect.`,
    keep: "Keep",
    codeIntro: "Type this code in the companion's tab of the Agent Console:",
    codeSpoken: (digits: string) => `Pairing code ${digits}`,
    remaining: (time: string) => `Valid for ${time}`,
    expired: "This code has expired.",
    newCode: "New code",
    done: (name: string) => `${name} is paired.`,
  },

  practice: {
    title: "Practice console",
    intro: "Sample visitors. Nothing here is real.",
    list: "Sample visitors",
    empty: "There are no sample visitors.",
    count: (count: number) => counted(count, "visitor", "visitors"),
  },

  record: {
    title: "Record this chat",
    buttons: (table: RecordTable) => recordNames[table],
    create: (table: RecordTable) => `Create a ${recordNames[table].toLowerCase()} from this chat`,
    resume: (table: RecordTable) =>
      `Go on with the unfinished ${recordNames[table].toLowerCase()} of this chat`,
    automatic: {
      live: (action: string) => `When this chat ends: ${action}`,
      ended: (action: string) => `This chat has ended: ${action}`,
      nothing: "When this chat ends, nothing is recorded.",
      idle: (action: string) => `When a chat ends: ${action}`,
    },
    known: (names: string) => `In Dynamics 365: ${names}`,
    iconOnly: "Records are not shown here: the settings say “Do Nothing”.",
    entries: "Recorded of this chat",
    spoken: (title: string, state: string) => `${title}: ${state}`,
    attentionSpoken: (count: number) =>
      count === 1
        ? "One record needs attention"
        : `${integers.format(count)} records need attention`,
  },

  form: {
    title: (table: RecordTable) => `New ${recordNames[table].toLowerCase()}`,
    filling: "Filling in the form…",
    failed: "The form could not be filled in.",
    chatChanged: "Another chat was selected at the same moment.",
    belongs: (name: string) => `From the chat with ${name}`,
    otherChat: (name: string) =>
      `Another chat is selected now. This form belongs to the chat with ${name}.`,
    otherChatStep:
      "Select that chat again to create the record. What you have typed is kept as long as the companion runs.",
    aside: "Set aside",
    kept: (table: RecordTable, name: string) =>
      `Unfinished ${recordNames[table].toLowerCase()} for ${name}.`,
    keptSpoken: (table: RecordTable, name: string) =>
      `the unfinished ${recordNames[table].toLowerCase()} for ${name}`,
    resume: "Go on",
    resumeSpoken: (what: string) => `Go on with ${what}`,
    throwAway: "Throw away",
    throwAwaySpoken: (what: string) => `Throw away ${what}`,
    submit: (table: RecordTable) => `Create ${recordNames[table].toLowerCase()}`,
    shortcut: "Ctrl+Enter",
    sending: "Sending…",
    notCreated: "The record was not created. What you have typed is still here.",
    discardAsk: "Throw away what you have changed?",
    keep: "Keep editing",
    required: (label: string) => `${label} is required.`,
    tooLong: (over: number) => `${counted(over, "character", "characters")} too long.`,
    left: (left: number) => `${counted(left, "character", "characters")} left.`,
    notNumber: "This is not a number.",
    notDate: "This is not a date.",
    none: "(none)",
    unknownChoice: (value: string) => `Choice ${value}`,
    customer: "Customer",
    regarding: "Regarding",
    newContact: "Create the contact along with it",
    needAbout: "Choose a record, or create the contact along with it.",
    find: "Type a name, e-mail or number",
    finding: "Looking…",
    foundNone: "Nothing found.",
    findFailed: (why: string) => `Could not look: ${why}`,
    openCases: "Open cases of this person",
    addToCase: "Add to this case instead",
    addToCaseSpoken: (name: string) => `Add to this case instead: ${name}`,
    duplicates: "This may exist already",
    duplicatesCached: "Known from earlier; Dynamics was not asked.",
    duplicatesFailed: (why: string) => `Whether it exists already could not be checked: ${why}`,
    takeExisting: "Use the existing one",
    takeExistingSpoken: (name: string) => `Use the existing one: ${name}`,
  },

  entry: {
    state: {
      waiting: "Waiting",
      queued: "Queued",
      sending: "Sending…",
      done: "Done",
      nothing: "Nothing to write",
      attention: "Needs attention",
      discarded: "Discarded",
    } satisfies Record<EntryState, string>,
    waitingUntil: (time: string) => `Waiting until ${time}`,
    waitingHint: "The chat may be reopened until then.",
    nextIn: (time: string) => `Next attempt in ${time}.`,
    queuedHint: "Saved here. It is sent as soon as Dynamics can be reached.",
    attempts: (count: number) => `Tried ${counted(count, "time", "times")}`,
    done: {
      planned: "To be written",
      created: "Created",
      existed: "Existed already",
      updated: "Updated",
      unchanged: "Unchanged",
      deleted: "Deleted",
      deactivated: "Deactivated",
    } satisfies Record<Written["done"], string>,
    for: (visitor: string) => `Visitor: ${visitor}`,
    createdAt: (time: string) => `Put into the outbox ${time}`,
    undo: "Undo",
    undoIn: (time: string) => `Undo (${time})`,
    undoSpoken: (title: string) => `Undo ${title}`,
    who: "Who is meant?",
    choose: "This one",
    chooseSpoken: (name: string) => `This one: ${name}`,
    someoneNew: "None of these: create a new one",
    retry: "Try again",
    retrySpoken: (title: string) => `Try again: ${title}`,
    edit: "Correct the values",
    editSpoken: (title: string) => `Correct the values of ${title}`,
    send: "Send again",
    discard: "Discard",
    discardSpoken: (title: string) => `Discard ${title}`,
    discardAsk: (title: string) => `Discard ${title}? It will not be written to Dynamics.`,
    failed: "That did not work.",
  },

  search: {
    button: "Search (Ctrl+K)",
    title: "Search",
    label: "Search contacts, accounts, leads and cases",
    placeholder: "Name, company, e-mail, phone, case",
    hint: "The beginning of a word is enough, in any script.",
    open: "Search",
    openFor: (table: Table) => `Search for the ${inSentence[table]}`,
    group: { contact: "Contacts", account: "Accounts", lead: "Leads", incident: "Cases" },
    count: (count: number, asking: boolean) => {
      const found = count === 0 ? "Nothing found" : `${integers.format(count)} found`;
      return asking ? `${found} so far. Asking Dynamics…` : `${found}.`;
    },
    closed: "Closed",
    shown: "Shown now",
    link: "Link to this chat",
    linkSpoken: (name: string) => `Link to this chat: ${name}`,
    failed: "The search did not work.",
    notLive: "Dynamics did not answer all of it. This is what the companion knows.",
    notLiveNothing: "Dynamics did not answer all of it, and the companion knows nothing like this.",
  },

  link: {
    by: (agent: string, day: string) =>
      agent === "" ? `Linked on ${day}` : `Linked by ${agent} on ${day}`,
    unlink: "Unlink",
    unlinkSpoken: (name: string) => `Unlink ${name} from this visitor`,
    unlinked: (name: string) => `${name} is not linked to this visitor any more.`,
    undo: "Undo",
    undoSpoken: (name: string) => `Undo: link ${name} again`,
  },

  timeline: {
    title: "Timeline",
    loading: "Reading cases, activities and notes…",
    failed: "Cases, activities and notes are not known here, and Dynamics does not answer.",
    empty: "No cases, activities or notes.",
    incomplete: "A part of the timeline is missing.",
    open: "Open",
    over: "Lately",
    more: (count: number) => `Show ${integers.format(count)} more`,
    kind: (kind: string) => kinds[kind] ?? "Activity",
    untitled: (kind: string) => `${kinds[kind] ?? "Activity"} without a title`,
    changed: (span: Span) => (span.unit === "moment" ? "just now" : `${short(span)} ago`),
    due: (day: string) => `Due ${day}`,
    overdue: (day: string) => `Overdue since ${day}`,
  },

  outbox: {
    title: "Outbox",
    button: (queued: number, attention: number) =>
      queued === 0 && attention === 0
        ? "Outbox: empty"
        : `Outbox: ${[
            attention > 0
              ? `${integers.format(attention)} ${attention === 1 ? "needs" : "need"} attention`
              : "",
            queued > 0 ? `${integers.format(queued)} queued` : "",
          ]
            .filter((part) => part !== "")
            .join(", ")}`,
    loading: "Reading the outbox…",
    failed: "The outbox could not be read.",
    empty: "Nothing is waiting and nothing needs attention.",
    attention: "Needs attention",
    waiting: "Waiting to be sent",
    finished: "Finished",
  },

  activity: {
    title: "Activity",
    button: "Activity",
    loading: "Reading the activity…",
    failed: "The activity could not be read.",
    empty: "Nothing has been recognised or written yet.",
    emptyFiltered: "Nothing matches this filter.",
    search: "Visitor, record or detail",
    kind: "Kind",
    all: "Everything",
    what: {
      recognised: "Recognised",
      queued: "Queued",
      created: "Created",
      updated: "Updated",
      existed: "Existed already",
      attention: "Needs attention",
      discarded: "Discarded",
      undone: "Undone",
      forgotten: "Person erased",
      nothing: "Nothing to write",
      linked: "Linked",
      unlinked: "Unlinked",
    } as Record<string, string>,
    by: (name: string) => `by ${name}`,
    byItself: "by itself",
    older: "Show older",
    export: "Export as CSV",
    exporting: "Exporting…",
    exported: (lines: number) => `${counted(lines, "line", "lines")} exported.`,
    ready: (lines: number) => `${counted(lines, "line", "lines")} as CSV, ready to be copied.`,
    copy: "Copy",
    file: (day: string) => `activity-${day}.csv`,
  },

  menu: {
    button: "More",
    data: "Data on this computer",
    lock: "Lock",
    lockKeys: "Ctrl+Shift+L",
  },

  locked: {
    title: "Locked",
    sentence: "Nothing is shown while you are away. Chats that end are still written down.",
    unlock: "Unlock",
    waits: (queued: number, attention: number) =>
      queued + attention === 0
        ? "Nothing waits to be sent."
        : `${counted(queued, "record waits", "records wait")} to be sent, ${integers.format(attention)} ${attention === 1 ? "needs" : "need"} attention.`,
  },

  data: {
    title: "Data on this computer",
    loading: "Looking at what is kept…",
    failed: "What is kept could not be read.",
    kept: "What is kept",
    encrypted:
      "Copies, outbox and activity are encrypted; the key is in the system’s keyring. Log files name nobody unless more is logged than usual.",
    inMemory: "Nothing is kept in files: it is gone when the companion is closed.",
    copiesOfRecords: "Copies of records",
    copies: (count: number, since: string | null) =>
      since === null
        ? counted(count, "copy", "copies")
        : `${counted(count, "copy", "copies")}, the oldest read ${since}`,
    outbox: "Outbox",
    entries: (count: number, unsent: number, since: string | null) =>
      [
        counted(count, "entry", "entries"),
        unsent > 0 ? `${integers.format(unsent)} not sent yet` : "",
        since === null ? "" : `the oldest of ${since}`,
      ]
        .filter((part) => part !== "")
        .join(", "),
    activity: "Activity",
    lines: (count: number, since: string | null) =>
      since === null
        ? counted(count, "line", "lines")
        : `${counted(count, "line", "lines")} since ${since}`,
    consoles: "Paired consoles",
    count: (count: number) => integers.format(count),
    logs: "Log files",
    size: (bytes: number) => sizes.format(Math.ceil(bytes / 1_000)),
    aside: "Set aside:",
    folderCopy: "folder",

    offline: "Copies for offline use",
    offlineIntro:
      "By such copies visitors are known at once, and also while Dynamics cannot be reached.",
    offlineState: {
      off: "Nothing is copied beforehand; what was read for a visitor is kept for its time. An administrator can switch it on in the settings.",
      waiting: "Dynamics cannot be asked now. It goes on by itself.",
      synchronising: "Synchronising with Dynamics…",
      fresh: "In step with Dynamics.",
    },
    notInStep: (tables: CopiedTable[]) =>
      `Could not be synchronised: ${tables.map((table) => copiedTables[table]).join(", ")}.`,
    copiedTable: (table: CopiedTable) => copiedTables[table],
    copied: (count: number, isWhole: boolean) => {
      if (count === 0) return isWhole ? "No copies" : "No copies yet";
      const copies = counted(count, "copy", "copies");
      return isWhole ? copies : `${copies} so far`;
    },
    syncedAt: (span: Span) =>
      span.unit === "moment" ? "as of just now" : `as of ${long(span)} ago`,
    tableState: {
      waiting: "waiting",
      refreshing: "reading what has changed…",
    },
    reading: (table: CopiedTable) => `Reading ${copiedTables[table].toLowerCase()}`,
    read: (done: number, expected: number | null) =>
      expected === null
        ? `${integers.format(done)} read`
        : `${integers.format(done)} of about ${integers.format(expected)} read`,
    syncNow: "Synchronise now",

    lock: "Lock",
    lockIntro:
      "For a desk that you leave: nothing of any visitor is shown, and the copies are closed. Chats that end are still written down.",
    lockNow: "Lock now",

    recovery: "Recovery file",
    recoveryIntro:
      "If the keyring ever loses the key, the recovery file brings back what waits to be sent, the activity and the paired consoles.",
    noRecovery: "You have not made a recovery file yet. It takes a minute.",
    recoveryMadeAt: (time: string) => `Made ${time}.`,
    lost: (files: string[]) => `The key was lost; ${files.join(", ")} can be recovered.`,
    makeRecovery: "Make a recovery file",
    useRecovery: "Use the recovery file",
    making: "Making…",
    recovering: "Recovering…",
    passphrase: "Passphrase",
    passphraseNew: "New passphrase",
    passphraseAgain: "The same again",
    passphraseShort: (least: number) => `Use at least ${integers.format(least)} characters.`,
    passphraseDiffers: "The two are not the same.",
    recoveryFile: "File",
    recoveryFileHint: "A new file; left empty, one in your documents.",
    chooseFile: "Choose the recovery file.",
    recoveryMade: (file: string) =>
      `${file} is made. Keep a copy elsewhere, and the passphrase apart from it.`,
    recovered: ({ entries, unsent, lines, consoles, isWhole, left }: Recovered) =>
      [
        `Recovered: ${counted(entries, "entry", "entries")} of the outbox (${integers.format(unsent)} not sent yet), ${counted(lines, "line", "lines")} of the activity, ${counted(consoles, "paired console", "paired consoles")}.`,
        isWhole ? "" : "Some of it could not be read; the file is kept.",
        left.length === 0 ? "" : `Not with this key: ${left.join(", ")}.`,
      ]
        .filter((part) => part !== "")
        .join(" "),

    forget: "Forget a person",
    forgetIntro:
      "Erases one person from this computer and gives a receipt. Dynamics itself is not changed.",
    whom: "E-mail address or phone number",
    look: "Look what is kept",
    looking: "Looking…",
    lookAgain: "Look again",
    nothingFound: "Nothing on this computer names this person.",
    wouldErase: "This would be erased:",
    traces: ({ copies, answers, entries, lines, links, logLines, removed }: Traces) =>
      [
        copies > 0 ? counted(copies, "copy of a record", "copies of records") : "",
        answers > 0 ? counted(answers, "remembered answer", "remembered answers") : "",
        entries > 0 ? counted(entries, "entry of the outbox", "entries of the outbox") : "",
        lines > 0 ? counted(lines, "line of the activity", "lines of the activity") : "",
        links > 0 ? counted(links, "link to a record", "links to records") : "",
        logLines > 0 ? counted(logLines, "log line", "log lines") : "",
        ...removed.map((name) => `The older file ${name}`),
      ].filter((part) => part !== ""),
    unreadable: (files: string[]) =>
      `${files.join(", ")} cannot be opened and may still name the person. “Remove data” can remove it.`,
    unsentOfPerson: (count: number) =>
      count === 1
        ? "1 entry about this person has not been sent yet:"
        : `${integers.format(count)} entries about this person have not been sent yet:`,
    unsent: (count: number) =>
      count === 1
        ? "1 entry of the outbox has not been sent yet."
        : `${integers.format(count)} entries of the outbox have not been sent yet.`,
    sendFirst: "Send first",
    discardUnsent: (count: number) =>
      count === 1 ? "Discard it unsent" : `Discard all ${integers.format(count)} unsent`,
    eraseNow: "Erase",
    erasing: "Erasing…",
    forgotten: "The person is erased from this computer.",
    receipt: "Receipt",
    receiptCopy: "receipt",
    receiptFile: (day: string) => `receipt-${day}.json`,
    saveReceipt: "Save the receipt",
    done: "Done",

    remove: "Remove data",
    removeIntro: "Empties what is kept on this computer. Dynamics itself is not changed.",
    removeAsk: "Remove data…",
    willRemove: "This will be removed:",
    removed: (data: LocalData, store: boolean, aside: string[]) => [
      "All copies of records",
      `Log files (${sizes.format(Math.ceil(data.logBytes / 1_000))})`,
      ...(store
        ? [
            counted(data.entries, "entry of the outbox", "entries of the outbox"),
            counted(data.lines, "line of the activity", "lines of the activity"),
            `${counted(data.consoles, "paired console", "paired consoles")}, to be paired again`,
          ]
        : []),
      ...aside,
    ],
    removeStore: "Also the outbox, the activity and the paired consoles",
    removeAside: "Also the files that were set aside",
    removeNow: "Remove",
    removing: "Removing…",
    wiped: ({ copies, entries, lines, consoles, discarded }: Wiped) =>
      [
        `Removed: ${counted(copies, "copy of a record", "copies of records")} and the log files.`,
        entries + lines + consoles > 0
          ? `${counted(entries, "entry", "entries")} of the outbox (${integers.format(discarded)} unsent), ${counted(lines, "line", "lines")} of the activity, ${counted(consoles, "paired console", "paired consoles")}.`
          : "",
      ]
        .filter((part) => part !== "")
        .join(" "),
  },

  announce: {
    visitor: (name: string) => `Visitor changed: ${name}`,
    noVisitor: "No chat selected.",
    looking: "looking in Dynamics",
    found: (table: Table, name: string) => `${inSentence[table]} found: ${name}`,
    missing: (table: Table) => `no ${inSentence[table]}`,
    failedTable: (table: Table) => `the ${inSentence[table]} could not be looked up`,
    unconfirmed: (answer: string) => `${answer}, not confirmed by Dynamics`,
    offline: "Dynamics cannot be reached",
    failed: "the look-up failed",
    unidentifiable: "nothing to look up by",
  },

  unexpected: {
    message: (detail: string) => `Something unexpected happened: ${detail}`,
    nextStep: "Try again. If it happens again, restart the companion.",
  },
  unreachable: {
    message: "The companion does not answer.",
    nextStep: "The page connects again by itself. If it does not, start the companion again.",
  },
};
