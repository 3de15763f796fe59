//! What is read, in words, for people who ask.

/// A kind of evidence.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// Name of the format, as custody has it.
    pub kind: &'static str,
    /// What it is and how it is recognised.
    pub what: &'static str,
}

/// Everything that is read, containers first.
pub const FORMATS: &[Format] = &[
    Format {
        kind: "folder",
        what: "a triage folder (KAPE, Velociraptor), a plain copy of a drive of any letter, or loose files",
    },
    Format {
        kind: "zip",
        what: "archive (stored, deflate, deflate64, bzip2, zstd), also encrypted, nested, with backslashes or percent escapes in its names",
    },
    Format { kind: "tar", what: "archive, plain or as tar.gz" },
    Format { kind: "7z", what: "archive, also encrypted" },
    Format { kind: "gzip", what: "one compressed file" },
    Format { kind: "evtx", what: "Windows event log, also damaged or cut short" },
    Format {
        kind: "json-events",
        what: "Windows events exported as JSON or JSON lines (NXLog, Winlogbeat, evtx_dump and the like)",
    },
    Format { kind: "iis-w3c", what: "IIS log in W3C extended format" },
    Format { kind: "exchange-httpproxy", what: "Exchange HttpProxy log of any protocol" },
    Format { kind: "exchange-ecp-server", what: "Exchange ECP Server log" },
    Format {
        kind: "exchange-log",
        what: "other Exchange logs with #Fields: read for their host, time and build",
    },
    Format { kind: "exchange-setup", what: "ExchangeSetup.log" },
    Format { kind: "test-proxylogon", what: "the CSV that Microsoft's Test-ProxyLogon writes" },
    Format {
        kind: "web-file",
        what: "server-executable file (.aspx, .ashx, .asmx, .php ...) of a web folder",
    },
    Format { kind: "web-config", what: "configuration file of a web folder" },
    Format { kind: "aspnet-compiled", what: "what ASP.NET leaves of a page that it compiled" },
    Format { kind: "disk-image", what: "not read: mount it first and hand in the mounted folder" },
];
