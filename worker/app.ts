import { Hono } from "hono";
import type { AppEnv } from "./context.ts";
import { mountActions } from "./http/mount.ts";
import { refuseUnknown } from "./http/not-found.ts";
import { onError } from "./http/on-error.ts";
import { identifyRequest } from "./http/request-id.ts";
import { authRoutes } from "./routes/auth.ts";
import { cliLoginRoutes } from "./routes/cli-login.ts";
import { clientSetupRoutes } from "./routes/client-setup.ts";
import { clientVersionRoutes } from "./routes/client-version.ts";
import { controlRoutes } from "./routes/control.ts";
import { derpMapRoutes } from "./routes/derp-map.ts";
import { exportRoutes } from "./routes/export.ts";
import { governanceRoutes } from "./routes/governance.ts";
import { keyManagementRoutes } from "./routes/key-management.ts";
import { machineAdminRoutes } from "./routes/machine-admin.ts";
import { machineHeartbeatRoutes } from "./routes/machine-heartbeat.ts";
import { oauthRoutes } from "./routes/oauth.ts";
import { orgActions, orgRoutes } from "./routes/orgs.ts";
import { realtimeRoutes } from "./routes/realtime.ts";
import { registerMachineRoutes } from "./routes/register-machine.ts";
import { relayRoutes } from "./routes/relay.ts";
import { tableRoutes } from "./routes/tables.ts";

export const app = new Hono<AppEnv>();

app.use(identifyRequest);

authRoutes(app);
cliLoginRoutes(app);
oauthRoutes(app);
orgRoutes(app);
mountActions(app, [...orgActions]);
keyManagementRoutes(app);
registerMachineRoutes(app);
clientSetupRoutes(app);
machineAdminRoutes(app);
machineHeartbeatRoutes(app);
controlRoutes(app);
realtimeRoutes(app);
clientVersionRoutes(app);
derpMapRoutes(app);
relayRoutes(app);
tableRoutes(app);
governanceRoutes(app);
exportRoutes(app);

app.notFound(refuseUnknown(app));
app.onError(onError);
