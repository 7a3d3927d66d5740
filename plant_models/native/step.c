/* One implicit step of a whole plant: what plant_models/integrate.py and interpreted.py do in NumPy, on the same numbers.
   It stands behind plant.h, nodes.h and newton.h in one text. */
/* what crossed the plant's boundary, by the flows linearised at the point that the last move reached */
static void account(Plant *p, double seconds)
{
    for (long i = 0; i < p->groups; i++) {
        const Group *g = p->group + i;
        for (long member = 0; member < g->members; member++) {
            long b = member / g->lanes, l = member % g->lanes, L = g->lanes, nb = g->nb;
            const double *beta0 = g->beta0 + b * nb * L + l, *Beta = g->Beta + b * nb * g->nw * L + l;
            const int *at = g->at + b * g->nw * L + l;
            for (long j = 0; j < nb; j++) {
                double flow = beta0[j * L];
                for (long m = 0; m < g->nw; m++) flow += Beta[(m * nb + j) * L] * p->dz[at[m * L]];
                p->crossed[(flow > 0.0 ? MASS_IN : MASS_OUT) + g->energetic[j]] += fabs(flow) * seconds;
            }
        }
    }
}

/* how well the nodes balance at the trial point */
static void weigh(Plant *p)
{
    memset(p->into, 0, p->n * sizeof(double));
    double through = 0.0;
    for (long i = 0; i < p->groups; i++) {
        Group *g = p->group + i;
        long L = g->lanes;
        see_nodes(p, g);
        for (long b = 0; b < g->blocks; b++)
            g->flows(g->x + b * g->nx * L, g->w + b * g->nw * L, g->u + b * g->nu * L, g->flow + b * g->nw * L);
        for (long member = 0; member < g->members; member++) {
            long b = member / L, l = member % L;
            for (long j = 0; j < g->nw; j++)
                if (g->is_mass[j]) {
                    double flow = g->flow[(b * g->nw + j) * L + l];
                    p->into[g->at[(b * g->nw + j) * L + l]] += flow;
                    through += 0.5 * fabs(flow);
                }
        }
    }
    p->through = through;
    p->unbalanced = 0.0;
    for (long i = 0; i < p->n_p; i++) p->unbalanced += fabs(p->into[i]);
}

static int nodes_balance(const Plant *p) { return p->unbalanced <= p->unbalanced_share * p->through + p->unbalanced_small; }

/* a share of the change of nodes and states that was found, with its part in dz of the last iteration */
static void shift(Plant *p, double share)
{
    for (long i = 0; i < p->groups; i++) {
        Group *g = p->group + i;
        for (long e = 0; e < g->blocks * g->nx * g->lanes; e++) g->x[e] += share * g->dx[e];
    }
    for (long i = 0; i < p->n; i++) {
        p->z[i] += share * p->dz[i];
        p->last_dz[i] += share * p->dz[i];
    }
    weigh(p);
}

/* Lets what the nodes leave unbalanced flow off, by the matrix as it is, if that makes it less: only flows are looked at
   anew. It adds to dz, which the accounts are made from. Says whether it did. */
static int mend(Plant *p, double k)
{
    double sizes[SIZES], unbalanced = p->unbalanced;
    memcpy(p->last_dz, p->dz, p->n * sizeof(double));
    memcpy(p->residual, p->into, p->n * sizeof(double)); /* of nodes' temperatures 0 */
    if (solve(p, k)) {
        memcpy(p->dz, p->last_dz, p->n * sizeof(double));
        return 0;
    }
    for (long i = 0; i < p->groups; i++)
        memset(p->group[i].s0, 0, p->group[i].blocks * p->group[i].nx * p->group[i].lanes * sizeof(double));
    correct(p, sizes);
    shift(p, 1.0);
    int mended = p->unbalanced < unbalanced;
    if (!mended) shift(p, -1.0);
    memcpy(p->dz, p->last_dz, p->n * sizeof(double));
    return mended;
}

static void show_outputs(Plant *p)
{
    for (long i = 0; i < p->groups; i++) {
        Group *g = p->group + i;
        long L = g->lanes;
        see_nodes(p, g);
        for (long b = 0; b < g->blocks; b++)
            g->output(g->x + b * g->nx * L, g->w + b * g->nw * L, g->u + b * g->nu * L, g->y + b * g->ny * L);
        out_of_blocks(g->y, g->flat_y, g, g->ny, g->ny);
    }
}

/* outputs at the present states */
void evaluate(Plant *p)
{
    for (long i = 0; i < p->groups; i++) {
        Group *g = p->group + i;
        into_blocks(g->flat_x, g->x, g, g->nx);
        into_blocks(g->flat_u, g->u, g, g->nu);
    }
    show_outputs(p);
}

/* c + share * (x - c) for states and nodes: where the next stage starts from */
static void start_from(Plant *p, double share)
{
    double *T = p->z + p->n_p;
    for (long i = 0; i < p->n - p->n_p; i++) p->T_c[i] = share * T[i] + (1.0 - share) * p->T_c[i];
    for (long i = 0; i < p->groups; i++) {
        Group *g = p->group + i;
        long size = g->blocks * g->nx * g->lanes;
        for (long e = 0; e < size; e++) g->c[e] = share * g->x[e] + (1.0 - share) * g->c[e];
    }
}

/* the last stage of a step, until the nodes balance */
static int last_stage(Plant *p, double k, int known)
{
    for (long round = 0; round <= p->most_polishing; round++) {
        int failed = stage(p, k, round ? round == 1 : known, INFINITY);
        if (failed) return failed;
        weigh(p);
        for (long i = 0; i < p->most_mends && !nodes_balance(p); i++)
            if (!mend(p, k)) break;
        if (nodes_balance(p)) break;
    }
    account(p, k);
    return SOLVED;
}

/* the second half of SDIRK2, its first stage being solved */
static int second_half(Plant *p, double dt, double gamma)
{
    account(p, (1.0 - gamma) * dt);
    start_from(p, (1.0 - gamma) / gamma);
    return last_stage(p, gamma * dt, 1);
}

/* the first stage of a step and how far a temperature moves in it, or JUMPED where that is more than ``jump`` */
static int first_stage(Plant *p, double k, double jump, double *most_moved)
{
    int failed = stage(p, k, 0, jump);
    if (failed) return failed;
    *most_moved = moved(p, 0.0);
    return *most_moved > jump ? JUMPED : SOLVED;
}

/* the two halves of a step from where it began, each in halves itself if it still has a jump */
static int in_halves(Plant *p, double dt, double gamma, long depth)
{
    memcpy(p->z + p->n_p, p->T_c, (p->n - p->n_p) * sizeof(double));
    for (long i = 0; i < p->groups; i++) {
        Group *g = p->group + i;
        memcpy(g->x, g->c, g->blocks * g->nx * g->lanes * sizeof(double));
    }
    double most_moved;
    for (int half = 0; half < 2; half++) {
        if (half) start_from(p, 1.0);
        int failed = first_stage(p, gamma * dt / 2.0, depth < p->most_cuts ? p->jump : INFINITY, &most_moved);
        failed = failed == JUMPED ? in_halves(p, dt / 2.0, gamma, depth + 1)
                 : failed         ? failed
                                  : second_half(p, dt / 2.0, gamma);
        if (failed) return failed;
    }
    return SOLVED;
}

static int stages(Plant *p, double dt, double gamma)
{
    if (gamma == 1.0) return last_stage(p, dt, 0);
    double left = dt, most_moved;
    for (long cuts = 0;; cuts++) {
        int failed = first_stage(p, gamma * left, cuts ? INFINITY : p->jump, &most_moved);
        if (failed == JUMPED) return in_halves(p, dt, gamma, 1);
        if (failed) return failed;
        if (cuts == p->most_cuts || most_moved < p->quick_move) return second_half(p, left, gamma);
        account(p, gamma * left); /* the first stage is a step of implicit Euler: taken as such where things jump */
        start_from(p, 1.0);
        left -= gamma * left;
    }
}

/* A step of dt: stages of implicit weight gamma * dt. What crossed is that of steps that were solved; the states in
   Python's vectors change only if it is solved, z in any case. */
static int one_step(Plant *p, double dt, double gamma)
{
    double crossed[QUANTITIES];
    memcpy(crossed, p->crossed, sizeof crossed);
    memcpy(p->T_c, p->z + p->n_p, (p->n - p->n_p) * sizeof(double));
    for (long i = 0; i < p->groups; i++) {
        Group *g = p->group + i;
        into_blocks(g->flat_x, g->x, g, g->nx);
        into_blocks(g->flat_u, g->u, g, g->nu);
        memcpy(g->c, g->x, g->blocks * g->nx * g->lanes * sizeof(double));
    }
    int failed = stages(p, dt, gamma);
    if (failed) {
        memcpy(p->crossed, crossed, sizeof crossed);
        return failed;
    }
    p->crossed[UNBALANCED] += p->unbalanced * dt;
    p->crossed[THROUGH] += p->through * dt;
    show_outputs(p);
    for (long i = 0; i < p->groups; i++) {
        Group *g = p->group + i;
        out_of_blocks(g->x, g->flat_x, g, g->nx, g->nx);
    }
    return SOLVED;
}

int step(Plant *p, double dt, double gamma)
{
    memset(p->crossed, 0, sizeof p->crossed);
    return one_step(p, dt, gamma);
}

/* Steps with inputs from rows and signals into a table; to and from are addresses of single values, with the column that
   belongs to each. Returns how many were solved; the one after them has changed nothing. */
long run(Plant *p, long steps, double dt, double gamma, long inputs, double *const *to, const int *row_column, long row,
         const double *rows, long signals, const double *const *from, const int *table_column, long width,
         double *table)
{
    memset(p->crossed, 0, sizeof p->crossed);
    for (long i = 0; i < steps; i++) {
        for (long j = 0; j < inputs; j++) *to[j] = rows[i * row + row_column[j]];
        memcpy(p->z_before, p->z, p->n * sizeof(double));
        if (one_step(p, dt, gamma)) {
            memcpy(p->z, p->z_before, p->n * sizeof(double));
            return i;
        }
        for (long j = 0; j < signals; j++) table[i * width + table_column[j]] = *from[j];
    }
    return steps;
}
