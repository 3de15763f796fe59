//! Logs of the front-end proxy: 74 columns, hourly files, values separated by commas and never quoted.

use std::borrow::Cow;

use crate::Moment;
use crate::record::ProxyRow;

/// The columns, in the order of a server of the 2016 line.
pub(crate) const COLUMNS: [&str; 74] = [
    "DateTime",
    "RequestId",
    "MajorVersion",
    "MinorVersion",
    "BuildVersion",
    "RevisionVersion",
    "ClientRequestId",
    "Protocol",
    "UrlHost",
    "UrlStem",
    "ProtocolAction",
    "AuthenticationType",
    "IsAuthenticated",
    "AuthenticatedUser",
    "Organization",
    "AnchorMailbox",
    "UserAgent",
    "ClientIpAddress",
    "ServerHostName",
    "HttpStatus",
    "BackEndStatus",
    "ErrorCode",
    "Method",
    "ProxyAction",
    "TargetServer",
    "TargetServerVersion",
    "RoutingType",
    "RoutingHint",
    "BackEndCookie",
    "ServerLocatorHost",
    "ServerLocatorLatency",
    "RequestBytes",
    "ResponseBytes",
    "TargetOutstandingRequests",
    "AuthModulePerfContext",
    "HttpPipelineLatency",
    "CalculateTargetBackEndLatency",
    "GlsLatencyBreakup",
    "TotalGlsLatency",
    "AccountForestLatencyBreakup",
    "TotalAccountForestLatency",
    "ResourceForestLatencyBreakup",
    "TotalResourceForestLatency",
    "ADLatency",
    "SharedCacheLatencyBreakup",
    "TotalSharedCacheLatency",
    "ActivityContextLifeTime",
    "ModuleToHandlerSwitchingLatency",
    "ClientReqStreamLatency",
    "BackendReqInitLatency",
    "BackendReqStreamLatency",
    "BackendProcessingLatency",
    "BackendRespInitLatency",
    "BackendRespStreamLatency",
    "ClientRespStreamLatency",
    "KerberosAuthHeaderLatency",
    "HandlerCompletionLatency",
    "RequestHandlerLatency",
    "HandlerToModuleSwitchingLatency",
    "ProxyTime",
    "CoreLatency",
    "RoutingLatency",
    "HttpProxyOverhead",
    "TotalRequestTime",
    "RouteRefresherLatency",
    "UrlQuery",
    "BackEndGenericInfo",
    "GenericInfo",
    "GenericErrors",
    "EdgeTraceId",
    "DatabaseGuid",
    "UserADObjectGuid",
    "PartitionEndpointLookupLatency",
    "RoutingStatus",
];

/// Head lines; `plain_row` puts the column names before them once more.
pub(crate) fn head(build: &str, at: Moment, plain_row: bool) -> String {
    let columns = COLUMNS.join(",");
    let first = if plain_row { format!("{columns}\r\n") } else { String::new() };
    format!(
        "\u{feff}{first}#Software: Microsoft Exchange Server\r\n#Version: {}\r\n#Log-type: HttpProxy Logs\r\n#Date: {}\r\n\
         #Fields: {columns}\r\n",
        padded(build),
        at.iso()
    )
}

/// A build as the head and the target's version show it: `15.01.2106.002`.
fn padded(build: &str) -> String {
    let widths = [2, 2, 4, 3];
    let parts = build.split('.').zip(widths).map(|(part, width)| format!("{part:0>width$}"));
    parts.collect::<Vec<_>>().join(".")
}

/// A row.
pub(crate) fn line(server: &str, build: &str, at: Moment, row: &ProxyRow) -> String {
    let view = View { server, build, at, row };
    let mut line = String::with_capacity(1_200);
    for (index, column) in COLUMNS.iter().enumerate() {
        if index > 0 {
            line.push(',');
        }
        // The logs have no quotation: a comma inside a value becomes a space.
        line.push_str(&view.cell(column).replace(',', " "));
    }
    line
}

struct View<'a> {
    server: &'a str,
    build: &'a str,
    at: Moment,
    row: &'a ProxyRow,
}

impl<'a> View<'a> {
    fn cell(&self, column: &str) -> Cow<'a, str> {
        let row = self.row;
        match column {
            "DateTime" => self.at.iso().into(),
            "RequestId" => (&row.request_id).into(),
            "MajorVersion" => self.build_part(0).into(),
            "MinorVersion" => self.build_part(1).into(),
            "BuildVersion" => self.build_part(2).into(),
            "RevisionVersion" => self.build_part(3).into(),
            "Protocol" => row.protocol.folder().into(),
            "UrlHost" => (&row.url_host).into(),
            "UrlStem" => (&row.stem).into(),
            "ProtocolAction" => (&row.action).into(),
            "AuthenticationType" => row.auth.into(),
            "IsAuthenticated" => if row.user.is_empty() { "false" } else { "true" }.into(),
            "AuthenticatedUser" => (&row.user).into(),
            "AnchorMailbox" => (&row.anchor).into(),
            "UserAgent" => (&row.agent).into(),
            "ClientIpAddress" => (&row.client).into(),
            "ServerHostName" => self.server.into(),
            "HttpStatus" => row.status.to_string().into(),
            "Method" => (&row.method).into(),
            "UrlQuery" => (&row.query).into(),
            "GenericInfo" => self.generic_info().into(),
            "RoutingHint" => row.hint.into(),
            _ if row.back_status.is_some() => self.cell_of_proxied(column),
            "CalculateTargetBackEndLatency" | "TotalAccountForestLatency" | "CoreLatency" => {
                "0".into()
            }
            _ => Cow::Borrowed(""),
        }
    }

    /// Columns that only a request carries which went on to a back end.
    fn cell_of_proxied(&self, column: &str) -> Cow<'a, str> {
        let row = self.row;
        match column {
            "BackEndStatus" => row.back_status.map(|s| s.to_string()).unwrap_or_default().into(),
            "ProxyAction" => "Proxy".into(),
            "TargetServer" => (&row.target).into(),
            "TargetServerVersion" => padded(self.build).into(),
            "RoutingType" => "IntraForest".into(),
            "RequestBytes" => row.sent.to_string().into(),
            "ResponseBytes" => row.received.to_string().into(),
            "ActivityContextLifeTime" | "RequestHandlerLatency" | "TotalRequestTime" => {
                row.took.to_string().into()
            }
            "BackendProcessingLatency" | "ProxyTime" => {
                row.took.saturating_sub(4).to_string().into()
            }
            "ADLatency" | "TotalGlsLatency" | "TotalSharedCacheLatency" => "0".into(),
            "CoreLatency" | "RoutingLatency" | "HttpProxyOverhead" => "4".into(),
            "RoutingStatus" => "CafeV1".into(),
            _ => Cow::Borrowed(""),
        }
    }

    fn build_part(&self, index: usize) -> &'a str {
        self.build.split('.').nth(index).unwrap_or_default()
    }

    fn generic_info(&self) -> String {
        let begin = self.at.plus(-i64::from(self.row.took)).iso();
        let end = self.at.iso();
        if self.row.back_status.is_some() {
            format!(
                "BeginRequest={begin};CorrelationID=<empty>;ProxyState-Run=None;\
                 ProxyState-Complete=ProxyResponseData;SharedCacheGuard=0;EndRequest={end};"
            )
        } else {
            format!(
                "BeginRequest={begin};CorrelationID=<empty>;SharedCacheGuard=0;EndRequest={end};"
            )
        }
    }
}
