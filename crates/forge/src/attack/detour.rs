//! The way in through autodiscover: requests that reach the back end by their query, and what its PowerShell did.

use super::{Player, windows_path};
use crate::Moment;
use crate::source::Protocol;
use crate::truth::PlacedFile;
use crate::world::{Back, Caller, worker_pid};

const AUTODISCOVER: &str = "/autodiscover/autodiscover.json";
/// The application pool in which remote PowerShell runs.
const POOL: &str = "MSExchangePowerShellAppPool";

impl Player<'_, '_> {
    pub(super) fn autodiscover_detour(
        &mut self,
        target: &str,
        user: &str,
        count: u32,
        status: u16,
    ) -> (Moment, String) {
        let is_power_shell = target.to_ascii_lowercase().contains("powershell");
        let token = if is_power_shell { "X-Rps-CAT=U1lOVEhFVElD&" } else { "" };
        let query =
            format!("@x.example{target}?{token}Email=autodiscover/autodiscover.json%3F@x.example");
        let mut last = self.at;
        for _ in 0..count {
            last = self.at;
            let method = if is_power_shell { "POST" } else { "GET" };
            let mut hit = self.hit(Some(Protocol::Autodiscover), method, AUTODISCOVER, status);
            hit.query.clone_from(&query);
            user.clone_into(&mut hit.user);
            hit.took = self.random.between(30, 400);
            hit.received = self.random.between(300, 4_000);
            hit.back = (status == 200).then(|| Back {
                target: self.world.scenario.host.fqdn(),
                stem: target.to_owned(),
                query: token.trim_end_matches('&').to_owned(),
                user: self.world.machine_account(),
                status,
            });
            self.world.hit(&hit, self.random);
            self.at = self.at.plus(i64::from(self.random.between(600, 1_900)));
        }
        let by = if user.is_empty() { "nobody logged on" } else { user };
        (
            last,
            format!(
                "asked for {target} behind autodiscover ({count} times, {by}); answered {status}"
            ),
        )
    }

    pub(super) fn export_role(&mut self, user: &str) -> (Moment, String) {
        let parameters = format!("-Role \"Mailbox Import Export\" -User \"{user}\"");
        self.power_shell("New-ManagementRoleAssignment", &parameters, false);
        (self.at, format!("gave {user} the role that may export mailboxes"))
    }

    pub(super) fn export_mailbox(
        &mut self,
        mailbox: &str,
        shell: &str,
        refused: bool,
        placed: &mut Vec<PlacedFile>,
    ) -> (Moment, String) {
        let path = windows_path(shell);
        let share = path.replacen("C:", "\\\\127.0.0.1\\c$", 1);
        let parameters = format!("-Mailbox \"{mailbox}\" -FilePath \"{share}\"");
        self.power_shell("New-MailboxExportRequest", &parameters, refused);
        if !refused {
            let at = self.file_written(&path);
            self.place(shell, path.clone(), at, placed);
        }
        let how = if refused { "was refused the export of" } else { "exported" };
        (self.at, format!("{how} {mailbox} into {path}"))
    }

    /// What the cmdlet log says of a command of the session that was taken.
    fn power_shell(&mut self, cmdlet: &str, parameters: &str, refused: bool) {
        let caller = Caller {
            user: "Administrator".to_owned(),
            rid: 500,
            session: self.random.guid(),
            pid: worker_pid(self.world.scenario.seed, POOL),
            pool: "w3wp#MSExchangePowerShellAppPool",
        };
        if refused {
            self.world.cmdlet_refused(self.at, cmdlet, parameters, &caller);
        } else {
            self.world.cmdlet(self.at, cmdlet, parameters, &caller);
        }
        self.at = self.at.plus(i64::from(self.random.between(600, 1_900)));
    }
}
