/* One implicit stage by Newton's method: corrections of all states, when a change is the last one, how much of it is taken. */
/* the change of the states of a block of one lane that goes with dz, and the largest of them in tolerances */
static void correct_one(const Plant *p, const Group *g, long b, double *sizes, double *sum)
{
    const double *S = g->S + b * g->nx * g->nw, *s0 = g->s0 + b * g->nx;
    double *dx = g->dx + b * g->nx;
    for (long j = 0; j < g->nx; j++) {
        double change = -s0[j];
        for (long m = 0; m < g->nw; m++) change -= S[m * g->nx + j] * p->dz[g->at[b * g->nw + m]];
        sizes[STATES] = most(sizes[STATES], fabs(change) * g->per_tolerance[j]);
        sizes[POSITIONS] = most(sizes[POSITIONS], fabs(change) * g->per_tolerance_position[j]);
        *sum += dx[j] = change;
    }
}

/* the same for a block of LANES lanes */
static void correct_lanes(const Plant *p, const Group *g, long b, double *sizes, double *sum)
{
    long nx = g->nx, nw = g->nw;
    const V *S = (const V *)g->S + b * nx * nw, *s0 = (const V *)g->s0 + b * nx;
    V *dx = (V *)g->dx + b * nx, by[nw], states = {0}, positions = {0}, all = {0};
    for (long m = 0; m < nw; m++)
        for (long l = 0; l < LANES; l++) by[m][l] = p->dz[g->at[(b * nw + m) * LANES + l]];
    for (long j = 0; j < nx; j++) {
        V change = -s0[j];
        for (long m = 0; m < nw; m++) change -= S[m * nx + j] * by[m];
        V size = larger(change, -change);
        states = larger(states, size * g->per_tolerance[j]);
        positions = larger(positions, size * g->per_tolerance_position[j]);
        all += dx[j] = change;
    }
    for (long l = 0; l < LANES; l++) {
        sizes[STATES] = most(sizes[STATES], states[l]);
        sizes[POSITIONS] = most(sizes[POSITIONS], positions[l]);
        *sum += all[l];
    }
}

/* the corrections of all states; returns the largest change in units of its tolerance, NaN if there is one */
static double correct(Plant *p, double *sizes)
{
    double size = 0.0, sum = 0.0;
    for (int kind = 0; kind < SIZES; kind++) sizes[kind] = 0.0;
    for (long i = 0; i < p->n; i++) {
        double *kind = sizes + (i < p->n_p ? PRESSURES : TEMPERATURES);
        *kind = most(*kind, fabs(p->dz[i]) * p->z_per_tolerance[i]);
        sum += p->dz[i];
    }
    for (long i = 0; i < p->groups; i++)
        for (long b = 0; b < p->group[i].blocks; b++)
            (p->group[i].lanes == 1 ? correct_one : correct_lanes)(p, p->group + i, b, sizes, &sum);
    for (int kind = 0; kind < SIZES; kind++) size = most(size, sizes[kind]);
    return isfinite(sum) ? size : NAN; /* comparisons drop a NaN, sums do not */
}

/* Whether a change is the last one: it is within its tolerance, or Newton's method converges and the next one is. Kinks
   in the equations of a kind of variable show in its own sizes. ``known``: the change was found with matrices of before;
   ``alike``: so was the one before it, or neither; else the way from one to the other tells nothing. */
static int is_last(const Plant *p, const double *sizes, const double *before, long iteration, double damping, int known,
                   int alike)
{
    for (int kind = 0; kind < SIZES; kind++) {
        double next = sizes[kind];
        if (iteration == 0 && !known) next /= p->first_tolerance[kind];
        if (iteration && alike && damping == 1.0 && sizes[kind] < before[kind]) next *= sizes[kind] / before[kind];
        if (next >= 1.0) return 0;
    }
    return 1;
}

/* whether a stage's first change is so small that no switch is to be feared in it */
static int is_moderate(const Plant *p, const double *sizes)
{
    for (int kind = 0; kind < SIZES; kind++)
        if (sizes[kind] > p->moderate[kind]) return 0;
    return 1;
}

/* How much of a Newton step is taken. A step that takes back the last move shows that a kink or a steep switch lies
   between: a bracket, of which half is taken, and half of what is left, until a move keeps its direction. Pressures,
   temperatures of nodes and states each have their own. */
enum { PARTS = 3 };
typedef struct {
    double radius[PARTS]; /* longest move, in tolerances */
    long kept[PARTS];     /* moves since it last went to and fro */
} Trust;

typedef struct {
    double dot, now, last, largest;
} Course;

static void follow(Course *course, double now, double last)
{
    course->dot += now * last, course->now += now * now, course->last += last * last;
    course->largest = most(course->largest, fabs(now));
}

/* the share of a part that is taken */
static double trusted(const Plant *p, Trust *trust, int part, const Course *c)
{
    double length = sqrt(c->now), *radius = trust->radius + part;
    if (c->dot < 0.0 && c->now > p->turning * p->turning * c->last && c->largest > 1.0) {
        if (0.5 * sqrt(c->last) < *radius) *radius = 0.5 * sqrt(c->last);
        trust->kept[part] = 0;
    } else if (++trust->kept[part] > 1) *radius *= p->widening;
    return length > *radius ? *radius / length : 1.0;
}

static double share_of_step(const Plant *p, Trust *trust)
{
    double share = 1.0, part_share;
    Course course[PARTS] = {0};
    for (long i = 0; i < p->n; i++)
        follow(course + (i < p->n_p ? 0 : 1), p->dz[i] * p->z_per_tolerance[i], p->last_dz[i] * p->z_per_tolerance[i]);
    for (long i = 0; i < p->groups; i++) {
        const Group *g = p->group + i;
        for (long b = 0; b < g->blocks; b++)
            for (long j = 0; j < g->nx; j++)
                for (long l = 0, in_use = lanes_in_use(g, b); l < in_use; l++) {
                    long e = (b * g->nx + j) * g->lanes + l;
                    follow(course + 2, g->dx[e] * g->per_tolerance[j], g->last[e] * g->per_tolerance[j]);
                }
    }
    for (int part = 0; part < PARTS; part++) {
        part_share = trusted(p, trust, part, course + part);
        if (part_share < share) share = part_share;
    }
    return share;
}

static void move(Plant *p, double share)
{
    for (long i = 0; i < p->n; i++) p->z[i] += p->last_dz[i] = share * p->dz[i];
    for (long i = 0; i < p->groups; i++) {
        Group *g = p->group + i;
        if (g->lanes == 1) {
            for (long e = 0; e < g->blocks * g->nx; e++) g->x[e] += g->last[e] = share * g->dx[e];
            continue;
        }
        V *x = (V *)g->x, *last = (V *)g->last, *dx = (V *)g->dx;
        for (long e = 0; e < g->blocks * g->nx; e++) x[e] += last[e] = share * dx[e];
    }
}

/* the largest move of a temperature of a machine since the stage's start, K, with a share of the change that was found */
static double moved(const Plant *p, double share)
{
    double most_moved = 0.0;
    for (long i = 0; i < p->groups; i++) {
        const Group *g = p->group + i;
        for (long j = 0; j < g->nx; j++) {
            if (!g->is_temperature[j]) continue;
            for (long b = 0; b < g->blocks; b++) {
                long e = (b * g->nx + j) * g->lanes;
                for (long l = 0; l < g->lanes; l++)
                    most_moved = most(most_moved, fabs(g->x[e + l] + share * g->dx[e + l] - g->c[e + l]));
            }
        }
    }
    return most_moved;
}

/* One implicit stage of weight k. The matrices are made anew as long as changes do not shrink well, and all along where the
   first one is large; else those of before do. ``known``: they are of this stage already. Where the first change would move
   a temperature by more than ``jump``, it is given up before anything has moved. */
static int stage(Plant *p, double k, int known, double jump)
{
    double sizes[SIZES], before[SIZES], last_size = INFINITY, damping = 0.0;
    Trust trust = {{INFINITY, INFINITY, INFINITY}, {0}};
    int last_known = known, keep = 0;
    p->k = k;
    for (long iteration = 0; iteration < p->most_iterations; iteration++) {
        p->iterations++;
        if (known) refine(p);
        else {
            linearise(p);
            factorise(p, k);
        }
        if (solve_nodes(p, k)) return SINGULAR;
        double size = correct(p, sizes);
        if (!isfinite(size)) return NOT_FINITE;
        if (iteration == 0 && jump < INFINITY && moved(p, 1.0) > jump) return JUMPED;
        if (is_last(p, sizes, before, iteration, damping, known, known == last_known)) {
            move(p, 1.0);
            return SOLVED;
        }
        double longest = 1.0;
        for (long i = 0; i < p->n_p; i++) longest = most(longest, fabs(p->dz[i]));
        damping = iteration ? share_of_step(p, &trust) : 1.0;
        if (damping * longest > p->longest_pressure_move) damping = p->longest_pressure_move / longest;
        if (iteration == 0) keep = is_moderate(p, sizes);
        last_known = known;
        known = keep && damping == 1.0 && size < p->shrinking * last_size;
        last_size = size;
        memcpy(before, sizes, sizeof before);
        move(p, damping);
    }
    return STILL_MOVING;
}
